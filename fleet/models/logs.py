"""What people say about log records: which errors are dealt with, which searches are worth keeping."""

from django.db import models

from fleet.models.service import Service


class LoggedError(models.Model):
    """One error as the log patterns tell it, whatever services it happens in."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        RESOLVED = "resolved", "resolved"
        IGNORED = "ignored", "ignored"

    fingerprint = models.CharField(max_length=16, unique=True, help_text="16 hex digits of its signature")
    type = models.CharField(max_length=300, blank=True, help_text="exception type, empty for a line without one")
    title = models.CharField(max_length=400, blank=True)
    culprit = models.CharField(max_length=600, blank=True, help_text="own frame next to where it was raised")
    services = models.ManyToManyField(Service, related_name="logged_errors")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN, db_index=True)
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)
    reopened_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-last_seen_at"]

    def __str__(self) -> str:
        return f"{self.type}: {self.title}" if self.type else self.title


class SavedSearch(models.Model):
    """The address of a log search under a name, of one person or for everyone."""

    name = models.CharField(max_length=100)
    owner = models.CharField(max_length=150)
    shared = models.BooleanField(default=False, help_text="everyone who may read logs sees it")
    query = models.CharField(max_length=2000, help_text="query string of the page without its time range")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="saved_search_once")]

    def __str__(self) -> str:
        return self.name
