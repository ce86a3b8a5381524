"""Sessions of people, so that they can be listed, timed and ended from the server."""

from django.db import models

from dashboard.accounts.models.user import User
from dashboard.accounts.user_agent import browser_words


class UserSession(models.Model):
    """One sign-in of a person in one browser. The session cookie counts only while this row stands."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of a random word kept in the session")
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="last request, to the minute")
    factor_at = models.DateTimeField(null=True, help_text="when a second factor was last given; empty before the first")
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return f"{self.user} since {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def browser(self) -> str:
        """What a person calls it: "Firefox on Linux"."""
        return browser_words(self.user_agent)
