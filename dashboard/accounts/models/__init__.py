"""People, their second factors, their sessions and the links that let them in for the first time."""

from dashboard.accounts.models.factors import RecoveryCode, RecoveryDevice, TotpDevice
from dashboard.accounts.models.links import OneTimeLink
from dashboard.accounts.models.sessions import UserSession
from dashboard.accounts.models.user import User

__all__ = ["OneTimeLink", "RecoveryCode", "RecoveryDevice", "TotpDevice", "User", "UserSession"]
