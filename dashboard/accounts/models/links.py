"""One-time links: the first administrator's set-up, and invitations."""

from django.db import models

from dashboard.accounts.models.user import User


class OneTimeLink(models.Model):
    """A secret address that lets one person set a password once. Only the secret's SHA-256 is stored."""

    class Purpose(models.TextChoices):
        SETUP = "setup", "first administrator"
        INVITATION = "invitation", "set a password"

    purpose = models.CharField(max_length=20, choices=Purpose)
    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE, related_name="links", help_text="who is invited; empty for set-up"
    )
    secret_hash = models.CharField(max_length=64, unique=True)
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.purpose} link of {self.created_at:%Y-%m-%d %H:%M}"
