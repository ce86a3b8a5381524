from collections.abc import Iterator
from typing import Any

import pytest
import structlog


@pytest.fixture(autouse=True)
def events() -> Iterator[list[Any]]:
    """Own log events of the test, which do not go to standard output."""
    with structlog.testing.capture_logs() as captured:
        yield captured
