"""The dependency policy is edited on a page that shows mistakes where they stand."""

import pytest

from fleet.models import DependencyPolicyText
from policies.dependencies.in_force import policy_in_force
from tests.dashboard.people import client_with_role

pytestmark = pytest.mark.django_db
PAGE = "/security/policy"


def test_a_policy_is_put_in_force_and_its_versions_are_kept() -> None:
    reviewer = client_with_role("security_reviewer")
    assert "nobody has changed it" in reviewer.get(PAGE).content.decode()
    shown = reviewer.post(PAGE, {"text": "sla: {days: {critical: 2}}\r\n"}, follow=True).content.decode()
    assert "The policy is in force" in shown
    assert "by user:security_reviewer-user" in shown
    assert policy_in_force().sla.days["critical"] == 2


def test_a_mistake_is_shown_with_its_place_and_the_text_is_kept() -> None:
    shown = client_with_role("security_reviewer").post(PAGE, {"text": "sla:\n  hours: 3\n"}).content.decode()
    assert "line 2, column 10" in shown
    assert "hours: 3" in shown
    assert not DependencyPolicyText.objects.exists()


def test_only_who_may_changes_it() -> None:
    operator = client_with_role("operator")
    assert operator.get(PAGE).status_code == 200
    assert operator.post(PAGE, {"text": "sla: {}"}).status_code == 403
