"""Rule files in Prometheus' form, their groups and how the rules fare."""

from django.db import models


class RuleFile(models.Model):
    """One file of recording and alerting rules, exactly as it was written."""

    class Source(models.TextChoices):
        IMPORTED = "imported", "imported"
        DIRECTORY = "directory", "from BELVEDERE_RULE_FILES"

    name = models.CharField(max_length=500, unique=True, help_text="path or file name")
    text = models.TextField()
    source = models.CharField(max_length=20, choices=Source, default=Source.IMPORTED)
    problem = models.CharField(
        max_length=1000, blank=True, help_text="why a newer version was not loaded; the former one stays in force"
    )
    loaded_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class RuleGroup(models.Model):
    """When a group is due. Moving `next_at` on is the claim of that evaluation; the lease keeps the next one away."""

    file = models.ForeignKey(RuleFile, on_delete=models.CASCADE, related_name="groups")
    name = models.CharField(max_length=500)
    position = models.PositiveIntegerField()
    interval_ms = models.PositiveBigIntegerField()
    next_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True, help_text="time of the last evaluation")
    last_seconds = models.FloatField(default=0)
    missed = models.PositiveBigIntegerField(default=0, help_text="evaluations that did not happen in time")

    class Meta:
        ordering = ["file__name", "position"]
        constraints = [models.UniqueConstraint(fields=["file", "name"], name="one_group_of_a_name_in_a_file")]
        indexes = [models.Index(fields=["next_at"])]

    def __str__(self) -> str:
        return f"{self.file_id}: {self.name}"


class RuleState(models.Model):
    """What a rule left behind at its last evaluation."""

    group = models.ForeignKey(RuleGroup, on_delete=models.CASCADE, related_name="states")
    position = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64, help_text="of the rule's text: another rule starts anew")
    health = models.CharField(max_length=10, default="unknown", help_text="unknown, ok or err")
    last_error = models.TextField(blank=True)
    last_at = models.DateTimeField(null=True)
    last_seconds = models.FloatField(default=0)
    samples = models.PositiveIntegerField(default=0)
    series = models.BinaryField(default=b"", help_text="compressed: series of the last evaluation")
    alerts = models.JSONField(default=list)

    class Meta:
        ordering = ["group", "position"]
        constraints = [models.UniqueConstraint(fields=["group", "position"], name="one_state_a_rule")]

    def __str__(self) -> str:
        return f"{self.group_id}/{self.position} {self.health}"
