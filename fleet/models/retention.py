"""How long chosen series and log records are kept, where that is shorter than the general retention."""

from django.db import models

from fleet.models.service import Team


class RetentionRule(models.Model):
    """What matches is removed when it is older than `days`. Every rule is carried out by itself."""

    class Signal(models.TextChoices):
        METRICS = "metrics", "samples of series"
        LOGS = "logs", "log records"

    signal = models.CharField(max_length=10, choices=Signal, default=Signal.METRICS)
    selector = models.CharField(
        max_length=2000, blank=True, help_text="PromQL selector of series or LogQL selector of streams; empty for every"
    )
    service = models.CharField(max_length=200, blank=True, help_text="name; empty for every service")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="retention_rules")
    days = models.PositiveIntegerField()
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    last_run_at = models.DateTimeField(null=True)
    last_removed_rows = models.BigIntegerField(default=0)
    removed_rows = models.BigIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        logs = self.signal == self.Signal.LOGS
        parts = [f"log records of {self.selector or 'every stream'}" if logs else self.selector or "every series"]
        if self.service:
            parts.append(f"of service {self.service}")
        if self.team:
            parts.append(f"of team {self.team.name}")
        return f"{' '.join(parts)}: {self.days} days"
