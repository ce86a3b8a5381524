"""API tokens: shown once, stored as a hash, limited by scope."""

from django.db import models

from fleet.models.service import Service


class ApiToken(models.Model):
    """A credential of a machine. The secret itself is never stored, only its SHA-256."""

    public_id = models.CharField(max_length=16, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    name = models.CharField(max_length=100)
    scopes = models.JSONField(default=list)
    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.CASCADE, related_name="tokens",
        help_text="everything sent with the token belongs to this service",
    )  # fmt: skip
    simulated = models.BooleanField(default=False)
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name
