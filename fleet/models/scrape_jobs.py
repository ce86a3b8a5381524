"""Scrape jobs, the processes that share their targets, and what these processes last saw."""

from django.db import models


class ScrapeJob(models.Model):
    """One `scrape_config` of Prometheus."""

    name = models.CharField(max_length=200, unique=True)
    document = models.JSONField(help_text="the scrape_config without its secrets")
    secrets = models.TextField(blank=True, help_text="encrypted; the secrets of the document by their place in it")
    source = models.CharField(max_length=500, blank=True, help_text="file that it was imported from")
    enabled = models.BooleanField(default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ScrapeWorker(models.Model):
    """A living process that scrapes a share of the targets; it says so again before `until`."""

    name = models.CharField(max_length=200, unique=True)
    joins_at = models.DateTimeField(help_text="from then on it has its share; all processes know of it before")
    until = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ScrapeSnapshot(models.Model):
    """What one process last saw of the targets of one job, compressed: states of thousands cost one row."""

    job = models.CharField(max_length=200)
    worker = models.CharField(max_length=200)
    at = models.DateTimeField()
    active = models.PositiveIntegerField(default=0)
    up = models.PositiveIntegerField(default=0)
    dropped = models.PositiveIntegerField(default=0)
    samples = models.PositiveBigIntegerField(default=0)
    content = models.BinaryField()

    class Meta:
        ordering = ["job", "worker"]
        constraints = [models.UniqueConstraint(fields=["job", "worker"], name="one_snapshot_a_job_and_worker")]

    def __str__(self) -> str:
        return f"{self.job} seen by {self.worker}"
