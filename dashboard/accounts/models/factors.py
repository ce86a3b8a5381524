"""Second factors: an authenticator app, and recovery codes for when it is lost."""

import time
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import models, transaction
from django.utils import timezone
from django_otp.models import Device, ThrottlingMixin, TimestampMixin

from dashboard.accounts import totp
from dashboard.accounts.recovery_codes import code_hash
from fleet.sealing import CannotUnseal, seal, unseal

LONGEST_WAIT_SECONDS: Final = 3600
"""Wrong codes make the next try wait 1, 2, 4, ... seconds, up to this: 10,000 guesses take more than a year."""

_PURPOSE: Final = "accounts.totp"


class TotpDevice(ThrottlingMixin, TimestampMixin, Device):
    """An authenticator app. The key is sealed at rest; the number of the last used time step makes a code work once."""

    key_sealed = models.CharField(max_length=300, editable=False)
    last_step = models.BigIntegerField(default=-1, editable=False, help_text="time step of the last accepted code")

    class Meta:
        verbose_name = "authenticator"

    @classmethod
    def sealed(cls, key: bytes) -> str:
        """The key as the column stores it."""
        return seal(key, _PURPOSE)

    def get_throttle_factor(self) -> int:
        return 1

    def verify_is_allowed(self) -> tuple[bool, dict[str, Any] | None]:
        """Refuses while the wait after wrong codes lasts. It never lasts for ever, and recovery codes do not wait."""
        until = self.locked_until()
        return (True, None) if until is None else (False, {"locked_until": until})

    def locked_until(self) -> datetime | None:
        """End of the wait after wrong codes; None when a code may be tried now."""
        if not self.throttling_failure_count or self.throttling_failure_timestamp is None:
            return None
        seconds = min(2 ** min(self.throttling_failure_count - 1, 30), LONGEST_WAIT_SECONDS)
        until: datetime = self.throttling_failure_timestamp + timedelta(seconds=seconds)
        return until if timezone.now() < until else None

    def verify_token(self, token: str) -> bool:
        """Whether `token` is a current code that was never accepted before. Counts a failure if not.

        Safe when the same code, or many guesses, arrive at once: the row is locked while one is judged, and the
        step is taken by compare-and-set. A key that cannot be unsealed accepts nothing.
        """
        with transaction.atomic():
            row = type(self).objects.select_for_update().get(pk=self.pk)
            if not row.verify_is_allowed()[0]:
                return False
            accepted: bool = row.take_step(token)
            if not accepted:
                row.throttle_increment()
        self.refresh_from_db()
        return accepted

    def take_step(self, token: str) -> bool:
        """Use up the time step of `token`, once. The caller holds the lock of the row."""
        try:
            key = unseal(self.key_sealed, _PURPOSE)
        except CannotUnseal:
            return False
        step = totp.matching_step(key, token, time.time())
        return step is not None and bool(
            type(self)
            .objects.filter(pk=self.pk, last_step__lt=step)
            .update(
                last_step=step,
                last_used_at=timezone.now(),
                throttling_failure_count=0,
                throttling_failure_timestamp=None,
            )
        )


class RecoveryDevice(TimestampMixin, Device):
    """The set of recovery codes of a person. Codes have 120 random bits, so guesses need no waiting time."""

    stored_at = models.DateTimeField(null=True, editable=False, help_text="when the person said that they are stored")

    class Meta:
        verbose_name = "recovery codes"
        verbose_name_plural = "recovery codes"

    def verify_token(self, token: str) -> bool:
        """Whether `token` is an unused code; it is used up in the same statement."""
        used = self.codes.filter(code_hash=code_hash(token), used_at=None).update(used_at=timezone.now())
        if used:
            type(self).objects.filter(pk=self.pk).update(last_used_at=timezone.now())
        return bool(used)

    @property
    def codes_left(self) -> int:
        return self.codes.filter(used_at=None).count()


class RecoveryCode(models.Model):
    """One recovery code, as SHA-256 only."""

    device = models.ForeignKey(RecoveryDevice, on_delete=models.CASCADE, related_name="codes")
    code_hash = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"code {self.pk} of {self.device.user}"
