"""Deletions of log records by query: what was asked for, and the receipt of what went."""

from django.db import models


class LogDeletion(models.Model):
    """One deletion. Its row stays when the records are gone."""

    class State(models.TextChoices):
        ASKED = "asked", "asked for"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    query = models.CharField(max_length=4000, blank=True, help_text="LogQL selector and line filters, or plain words")
    service = models.CharField(max_length=200, blank=True, help_text="name; empty for every service")
    start_ns = models.BigIntegerField(help_text="included")
    end_ns = models.BigIntegerField(help_text="included")
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=20, choices=State, default=State.ASKED)
    rows_matched = models.BigIntegerField(help_text="when it was confirmed")
    rows_gone = models.BigIntegerField(default=0)
    rows_left = models.BigIntegerField(null=True, help_text="records that match still, counted at the end")
    progress_ratio = models.FloatField(default=0)
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.query or 'every record'}{f' of {self.service}' if self.service else ''}"

    @property
    def start_ms(self) -> int:
        return self.start_ns // 10**6

    @property
    def end_ms(self) -> int:
        return self.end_ns // 10**6
