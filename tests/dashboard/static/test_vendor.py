"""Vendored code is what its manifest says, and fits the Python packages that speak with it."""

import base64
import hashlib
import json
from pathlib import Path

import plotly
import pytest

VENDOR = Path(__file__).resolve().parents[3] / "dashboard" / "static" / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["name"])
def test_a_vendored_file_has_its_hash_and_its_licence(entry: dict[str, str]) -> None:
    content = (VENDOR / entry["file"]).read_bytes()
    assert entry["sha384"] == "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()
    assert entry["version"].encode() in content
    assert (VENDOR / entry["licence_file"]).stat().st_size > 100


def test_every_vendored_script_is_in_the_manifest() -> None:
    assert {path.name for path in VENDOR.glob("*.js")} == {entry["file"] for entry in MANIFEST}


def test_the_script_of_plotly_is_the_one_that_the_python_package_speaks_to() -> None:
    bundled = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    version = next(entry["version"] for entry in MANIFEST if entry["name"].startswith("plotly.js"))
    assert f"plotly.js v{version}" in bundled.read_text()[:300]
