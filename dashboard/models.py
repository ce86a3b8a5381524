"""What the running processes agree on through the database."""

from django.db import models


class ScheduledJob(models.Model):
    """When a periodic job was last put in the queue. Moving `last_run_at` on is the claim of that run."""

    kind = models.CharField(max_length=100, unique=True)
    last_run_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["kind"]

    def __str__(self) -> str:
        return self.kind


class Heartbeat(models.Model):
    """A sign of life of background work, written by the work itself."""

    name = models.CharField(max_length=100, unique=True)
    at = models.DateTimeField()
    holder = models.CharField(max_length=200, blank=True, help_text="process that wrote it last")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}"
