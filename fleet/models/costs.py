"""Price sheets and the record of imported bills; the charges themselves are columns in the telemetry store."""

from django.db import models


class PriceSheet(models.Model):
    """Unit prices applied to measured use, valid from a day on. Amounts are decimals written as text."""

    name = models.CharField(max_length=100)
    valid_from = models.DateField()
    currency = models.CharField(max_length=3, default="USD")
    prices = models.JSONField(
        help_text='decimal text by unit: {"vcpu_hour": "0.04", "gib_hour": "0.005", "gib_month_stored": "0.10"}'
    )
    builtin = models.BooleanField(default=False)

    class Meta:
        ordering = ["-valid_from"]
        constraints = [models.UniqueConstraint(fields=["name", "valid_from"], name="price_sheet_once")]

    def __str__(self) -> str:
        return f"{self.name} from {self.valid_from}"


class CostImport(models.Model):
    """One imported FOCUS file; its charges carry `batch` in the store."""

    batch = models.UUIDField(unique=True)
    file_name = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64, db_index=True)
    rows = models.PositiveIntegerField(default=0)
    billed_cost = models.CharField(max_length=60, default="0", help_text="decimal text, sum over the file")
    currency = models.CharField(max_length=30, blank=True)
    period_start = models.DateTimeField(null=True)
    period_end = models.DateTimeField(null=True, help_text="exclusive")
    simulated = models.BooleanField(default=False)
    imported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-imported_at"]

    def __str__(self) -> str:
        return self.file_name


class CostPart(models.Model):
    """What a file says of one provider, account, billing period and currency; a later file may replace it.

    Its charges carry `key` in the store. Those of a replaced part stay, so that an earlier report can be made again.
    """

    bill = models.ForeignKey(CostImport, models.CASCADE, related_name="parts")
    key = models.CharField(max_length=50, unique=True)
    provider = models.CharField(max_length=200, blank=True)
    account = models.CharField(max_length=200, blank=True)
    currency = models.CharField(max_length=3)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField(help_text="exclusive")
    rows = models.PositiveIntegerField()
    billed_cost = models.CharField(max_length=60, help_text="decimal text")
    counts_from = models.DateTimeField()
    counts_until = models.DateTimeField(null=True, help_text="when another file replaced it")
    replaced_by = models.ForeignKey(CostImport, models.SET_NULL, null=True, related_name="replaced")

    class Meta:
        indexes = [models.Index(fields=["account", "period_start"], name="cost_part_period")]

    def __str__(self) -> str:
        return f"{self.provider} {self.account} {self.period_start:%Y-%m}"


class AllocationVersion(models.Model):
    """Allocation rules from a day on, until a later version begins. Versions are added and never changed."""

    name = models.CharField(max_length=200, blank=True)
    document = models.TextField(help_text="YAML of an AllocationPolicy")
    valid_from = models.DateField()
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-valid_from", "-pk"]

    def __str__(self) -> str:
        return f"{self.name or 'allocation'} from {self.valid_from}"


class Budget(models.Model):
    """What a team, a service or a tag may cost in a calendar month (UTC), and how it stood when last looked at."""

    class Scope(models.TextChoices):
        TEAM = "team", "team"
        SERVICE = "service", "service"
        TAG = "tag", "tag of the bill"

    name = models.CharField(max_length=200, unique=True)
    scope = models.CharField(max_length=10, choices=Scope)
    value = models.CharField(max_length=300, help_text="name of the team or service; NAME=VALUE of a tag")
    amount = models.CharField(max_length=60, help_text="decimal text, a month")
    currency = models.CharField(max_length=3, default="USD")
    near_ratio = models.CharField(max_length=10, default="0.8", help_text="decimal text, 0 to 1")
    state = models.CharField(max_length=20, blank=True, help_text="empty until it was looked at")
    state_since = models.DateTimeField(null=True)
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name}: {self.amount} {self.currency} a month"
