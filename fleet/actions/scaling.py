"""Scaling policies are saved as versions; back-tests are asked once and answered once."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from fleet.actions.audit import record
from fleet.jobs import enqueue
from fleet.models import Backtest, ScalingPolicy, ScalingPolicyVersion, Service


def save_scaling_policy(*, service: Service, environment: str, name: str, text: str, actor: str) -> ScalingPolicy:
    """A new policy, or a new version of the one of that name; the same text again changes nothing.

    The document must have been read without a fault.
    """
    now = timezone.now()
    values = {"text": text, "changed_by": actor, "changed_at": now}
    with transaction.atomic():
        policy, created = ScalingPolicy.objects.select_for_update().get_or_create(
            service=service, environment=environment, name=name, defaults=values
        )
        if not created and policy.text == text:
            return policy
        if not created:
            policy.version += 1
            policy.text, policy.changed_by, policy.changed_at = text, actor, now
            policy.save()
        ScalingPolicyVersion.objects.create(
            policy=policy, number=policy.version, text=text, saved_by=actor, saved_at=now
        )
        _record(policy, "scaling_policy.added" if created else "scaling_policy.changed", actor)
    return policy


def remove_scaling_policy(*, policy: ScalingPolicy, actor: str) -> None:
    """Forget the policy with its versions; back-tests of it keep what they found."""
    with transaction.atomic():
        _record(policy, "scaling_policy.removed", actor)
        policy.delete()


def _record(policy: ScalingPolicy, action: str, actor: str) -> None:
    record(
        actor=actor,
        action=action,
        object_type="scaling_policy",
        object_id=str(policy.pk),
        detail={
            "name": policy.name,
            "service": policy.service.name,
            "environment": policy.environment,
            "version": policy.version,
            "sha256": hashlib.sha256(policy.text.encode()).hexdigest(),
        },
    )


def key_of_question(question: Mapping[str, Any]) -> str:
    """The name of a back-test: equal questions have equal names."""
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:24]


def ask_backtest(
    *, service: Service, environment: str, question: Mapping[str, Any], actor: str, job_kind: str = ""
) -> tuple[Backtest, bool]:
    """(the back-test, whether it is to be run): one that was answered without a fault is not run again.

    With `job_kind` a job of that kind is queued for it, which is given the key.
    """
    with transaction.atomic():
        row, created = Backtest.objects.select_for_update().get_or_create(
            key=key_of_question(question),
            defaults={
                "service": service,
                "environment": environment,
                "question": dict(question),
                "asked_by": actor,
                "asked_at": timezone.now(),
            },
        )
        if not created and not row.error:
            return row, False
        row.error, row.finished_at = "", None
        row.job = enqueue(job_kind, arguments={"key": row.key}, max_attempts=2) if job_kind else None
        row.save()
    return row, True


def note_backtest(*, key: str, result: Mapping[str, Any] | None, error: str = "") -> None:
    """What came of it: figures, or why there are none."""
    Backtest.objects.filter(key=key).update(
        result=None if result is None else dict(result), error=error[:1000], finished_at=timezone.now()
    )
