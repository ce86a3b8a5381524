"""Endpoints that are scraped for metrics."""

from django.db import models

from fleet.models.service import Service


class Target(models.Model):
    """One endpoint that exposes metrics; `job` and `instance` become labels of its series."""

    job = models.CharField(max_length=200)
    url = models.URLField(max_length=500, unique=True)
    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.SET_NULL, related_name="targets",
        help_text="overrides what the mapping rules say",
    )  # fmt: skip
    labels = models.JSONField(default=dict, blank=True, help_text="labels added to every series")
    interval_seconds = models.PositiveIntegerField(null=True, blank=True, help_text="empty: the default")
    honor_labels = models.BooleanField(default=False)
    bearer_token = models.CharField(max_length=500, blank=True, help_text="encrypted; sent with every scrape")
    enabled = models.BooleanField(default=True)
    builtin = models.BooleanField(default=False, help_text="Belvedere's own metrics")

    up = models.BooleanField(null=True, editable=False)
    last_scrape_at = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=500, blank=True, editable=False)
    last_samples = models.PositiveIntegerField(default=0, editable=False)
    last_duration_seconds = models.FloatField(default=0, editable=False)

    class Meta:
        ordering = ["job", "url"]

    def __str__(self) -> str:
        return f"{self.job} {self.url}"
