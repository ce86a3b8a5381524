"""A person who signs in."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person. The role says what its pages and actions are; a superuser is an administrator."""

    class Role(models.TextChoices):
        ADMINISTRATOR = "administrator", "Administrator"
        OPERATOR = "operator", "Operator (SRE)"
        SECURITY_REVIEWER = "security_reviewer", "Security reviewer"
        COST_VIEWER = "cost_viewer", "Cost viewer"

    class Theme(models.TextChoices):
        SYSTEM = "system", "System"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    role = models.CharField(max_length=30, choices=Role, default=Role.OPERATOR)
    teams = models.ManyToManyField("fleet.Team", blank=True, related_name="members")
    theme = models.CharField(max_length=10, choices=Theme, default=Theme.SYSTEM)

    @property
    def effective_role(self) -> str:
        """The role that counts: a superuser made in the shell is an administrator whatever the column says."""
        return self.Role.ADMINISTRATOR.value if self.is_superuser else self.role

    @property
    def effective_role_name(self) -> str:
        return self.Role(self.effective_role).label
