"""The dependency policy that is in force: the newest text that was saved, else the one that comes along."""

from functools import lru_cache

from django.db import transaction

from fleet.actions.audit import record
from fleet.models import DependencyPolicyText
from policies.dependencies.document import DEFAULT_TEXT, DependencyPolicy, read_policy
from policies.dependencies.gate import run_cases
from policies.documents.located import DocumentError

_parsed = lru_cache(maxsize=16)(read_policy)


def policy_text() -> str:
    """The text in force."""
    newest = DependencyPolicyText.objects.values_list("text", flat=True).first()
    return DEFAULT_TEXT if newest is None else newest


def policy_in_force() -> DependencyPolicy:
    """The policy in force. One query."""
    return _parsed(policy_text())


def save_policy(*, text: str, actor: str) -> DependencyPolicyText:
    """Put `text` in force. Raises DocumentError for a mistake in it and for a test of its own that fails."""
    policy = read_policy(text)
    failed = next((result for result in run_cases(policy) if not result.passed), None)
    if failed is not None:
        found = ", ".join(failed.violated) or "nothing"
        raise DocumentError(f"line {failed.case.line}: {failed.case.name!r} fails: it violates {found}")
    with transaction.atomic():
        row = DependencyPolicyText.objects.create(text=text, created_by=actor)
        record(
            actor=actor,
            action="dependency_policy.saved",
            object_type="dependency_policy",
            object_id=str(row.pk),
            detail={"rules": [rule.name for rule in policy.rules], "four_eyes": policy.acceptance.four_eyes},
        )
    return row
