from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0001_processes")]

    operations = [migrations.DeleteModel(name="Lease")]
