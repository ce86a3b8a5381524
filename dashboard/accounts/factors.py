"""What happens to a person's second factors: enrolled, asked for, replaced, reset."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from dashboard.accounts import totp
from dashboard.accounts.models import RecoveryCode, RecoveryDevice, TotpDevice, User
from dashboard.accounts.recovery_codes import CODES, code_hash, new_code
from fleet.sealing import CannotUnseal, seal, unseal

ENROLMENT_SECONDS: Final = 30 * 60
"""How long a shown QR code may be confirmed."""


class EnrolmentRefused(ValueError):
    """The factor cannot be enrolled; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A key that is offered for enrolment. Nothing is stored before its first code is confirmed."""

    key: bytes
    sealed: str
    """The key for the form: only this person can hand it back, and only for a while."""


def offer_authenticator(user: User) -> Offer:
    """A fresh key."""
    key = totp.new_key()
    return Offer(key, seal(key, _offer_purpose(user)))


def offered_again(user: User, sealed: str) -> Offer:
    """The offer that the form carries. Raises EnrolmentRefused when it is too old or not this person's."""
    try:
        return Offer(unseal(sealed, _offer_purpose(user), ENROLMENT_SECONDS), sealed)
    except CannotUnseal as error:
        raise EnrolmentRefused("The QR code was shown too long ago. Scan the new one.") from error


def enrol_authenticator(user: User, offer: Offer, code: str, *, replace: bool) -> TotpDevice:
    """Make the offered key the person's authenticator, proved by a code that it shows now.

    The code counts as used. Raises EnrolmentRefused for a wrong code, and for a person who has an authenticator unless
    `replace` says that it is to go.
    """
    step = totp.matching_step(offer.key, code, time.time())
    if step is None:
        raise EnrolmentRefused("That code is not the one the app shows now. Check the clock of the device.")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        existing = TotpDevice.objects.filter(user=user)
        if existing.exists() and not replace:
            raise EnrolmentRefused("This account has an authenticator already.")
        existing.delete()
        device: TotpDevice = TotpDevice.objects.create(
            user=user,
            name="Authenticator app",
            confirmed=True,
            key_sealed=TotpDevice.sealed(offer.key),
            last_step=step,
            last_used_at=timezone.now(),
        )
    return device


def new_recovery_codes(user: User) -> list[str]:
    """Ten new codes, to be shown once; all earlier ones stop working."""
    codes = [new_code() for _ in range(CODES)]
    with transaction.atomic():
        device, _ = RecoveryDevice.objects.get_or_create(user=user, defaults={"name": "Recovery codes"})
        RecoveryDevice.objects.filter(pk=device.pk).update(stored_at=None)
        device.codes.all().delete()
        RecoveryCode.objects.bulk_create(RecoveryCode(device=device, code_hash=code_hash(code)) for code in codes)
    return codes


def recovery_codes_were_stored(user: User) -> None:
    """The person said that the codes are in a safe place."""
    RecoveryDevice.objects.filter(user=user, stored_at=None).update(stored_at=timezone.now())


def reset_factors(user: User) -> int:
    """Remove every factor of `user`, who has to enrol anew at the next sign-in. How many there were."""
    with transaction.atomic():
        devices = [*TotpDevice.objects.filter(user=user), *RecoveryDevice.objects.filter(user=user)]
        for device in devices:
            device.delete()
    return len(devices)


@dataclass(frozen=True, slots=True)
class FactorState:
    """What the account page says about the factors of one person."""

    authenticator: TotpDevice | None
    recovery: RecoveryDevice | None

    @classmethod
    def of(cls, user: User) -> "FactorState":
        return cls(
            TotpDevice.objects.filter(user=user, confirmed=True).first(),
            RecoveryDevice.objects.filter(user=user, confirmed=True).first(),
        )

    @property
    def locked_until(self) -> datetime | None:
        """End of the wait after wrong codes of the authenticator."""
        return self.authenticator.locked_until() if self.authenticator else None


def accept_factor(user: User, code: str) -> TotpDevice | RecoveryDevice | None:
    """The device of `user` that accepts `code` now, or None. Six digits go to the authenticator, all else to recovery.

    Never both, so that a wrong guess of one does not count against the other.
    """
    word = "".join(code.split())
    state = FactorState.of(user)
    device = state.authenticator if word.isascii() and word.isdigit() and len(word) == totp.DIGITS else state.recovery
    return device if device is not None and device.verify_token(word) else None


def _offer_purpose(user: User) -> str:
    return f"accounts.enrolment.{user.pk}"
