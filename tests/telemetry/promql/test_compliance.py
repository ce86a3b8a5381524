"""The compliance queries of the Prometheus project against stored answers of Prometheus 3.5.3."""

import pytest

from tests.telemetry.promql.scripts import COMPLIANCE, MISSING, compare_with_golden


@pytest.mark.skipif(not COMPLIANCE.is_file(), reason=MISSING)
def test_every_compliance_query_is_answered_as_prometheus_answers_it() -> None:
    comparisons = list(compare_with_golden())
    assert len(comparisons) > 500
    assert [comparison for comparison in comparisons if comparison.difference] == []
