"""The audit trail: append-only, each event chained to the one before it by hash."""

from django.db import models


class AuditEvent(models.Model):
    """Who did what to which object, when and from where. Written by `fleet.actions.audit.record` only."""

    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=200, help_text="user:NAME, token:NAME or system")
    action = models.CharField(max_length=100, db_index=True, help_text="object.verb, such as token.created")
    object_type = models.CharField(max_length=100, blank=True)
    object_id = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict, help_text="before and after, secrets masked")
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor} {self.action}"
