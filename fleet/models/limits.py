"""What single services may send, where that differs from the settings."""

from django.db import models


class ServiceLimit(models.Model):
    """Limits of one service by name; an empty one is that of the settings, or none."""

    service = models.CharField(max_length=200, unique=True)
    max_series = models.PositiveIntegerField(null=True, blank=True)
    new_series_per_hour = models.PositiveIntegerField(null=True, blank=True)
    samples_per_second = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["service"]

    def __str__(self) -> str:
        return self.service
