"""The conformance page says what the cases say."""

import pytest

from tests.telemetry.promql.conformance import PAGE, features_of, page, verdicts
from tests.telemetry.promql.scripts import MISSING, SCRIPTS


@pytest.mark.skipif(not SCRIPTS.is_dir(), reason=MISSING)
def test_the_conformance_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(verdicts()), "run python -m tests.telemetry.promql.conformance"


def test_features_are_found_outside_of_strings_and_braces() -> None:
    text = 'sum by (a) (rate(x{b="max(y)"}[5m:1m] offset 1m)) >= bool label_replace(y, "or", "", "", "")'
    assert set(features_of(text)) == {
        "sum", "by", "rate", "[range]", "[range:step]", "offset", ">=", "bool", "label_replace",
    }  # fmt: skip
