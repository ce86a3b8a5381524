"""Where requests of real clients lie; tests that need them are skipped where they are missing."""

import json
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def real(path: str) -> Path:
    """`path` below the folder of real data. Skips the test if it is not there."""
    found = DATA / path
    if not found.exists():
        pytest.skip(f"{found} is missing (requests of real clients are not part of the repository)")
    return found


def captured(folder: str) -> list[tuple[dict[str, Any], bytes]]:
    """(method, path and headers; body) of every captured request in `folder`."""
    return [
        (json.loads(description.read_text()), description.with_suffix(".bin").read_bytes())
        for description in sorted(real(folder).glob("*.json"))
        if description.with_suffix(".bin").exists()
    ]
