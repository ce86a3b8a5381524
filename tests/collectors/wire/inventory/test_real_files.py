"""Every file of real tools is read row by row or refused with a reason; none is taken for an empty inventory."""

import json
from pathlib import Path

import pytest

from collectors.wire.inventory.detect import read_inventory
from collectors.wire.limits import DecodeLimits
from fleet.inventory import InvalidReport, ReportedInventory
from telemetry.model.errors import TelemetryError

SECURITY = Path(__file__).resolve().parents[5] / "shared" / "data" / "security"
BOMS = sorted(path for path in SECURITY.glob("cyclonedx/**/*.json") if "schema" not in path.name)
SARIFS = sorted(SECURITY.glob("sarif/**/*.sarif"))


def _nested(components: list[dict]) -> int:
    return sum(1 + _nested(each.get("components") or []) for each in components)


def _read_or_refused(body: bytes) -> ReportedInventory | str:
    try:
        return read_inventory(body, DecodeLimits())
    except (InvalidReport, TelemetryError) as error:
        return str(error)


@pytest.mark.skipif(not BOMS, reason="the sample files are not here")
@pytest.mark.parametrize("path", BOMS, ids=[path.name for path in BOMS])
def test_a_bom_gives_a_row_for_each_component_or_a_reason(path: Path) -> None:
    body = path.read_bytes()
    document = json.loads(body)
    main = (document.get("metadata") or {}).get("component") or {}
    expected = _nested(document.get("components") or []) + _nested(main.get("components") or [])
    inventory = _read_or_refused(body)
    if isinstance(inventory, str):
        assert "invalid" in path.name or (expected == 0 and "names no components" in inventory), inventory
        return
    loose = [row for row in inventory.components if row.problems]
    assert expected <= len(inventory.components) <= expected + len(loose)
    assert all(row.skip_reason or (row.ecosystem and row.version) for row in inventory.components)


@pytest.mark.skipif(not SARIFS, reason="the sample files are not here")
@pytest.mark.parametrize("path", SARIFS, ids=[path.name for path in SARIFS])
def test_a_sarif_file_gives_a_row_for_each_result_or_a_reason(path: Path) -> None:
    body = path.read_bytes()
    results = sum(len(run.get("results") or []) for run in json.loads(body.removeprefix(b"\xef\xbb\xbf"))["runs"])
    inventory = read_inventory(body, DecodeLimits())
    assert len(inventory.components) == results
    assert all(row.skip_reason for row in inventory.components)


@pytest.mark.skipif(not SECURITY.exists(), reason="the sample files are not here")
def test_pip_audit_names_the_same_packages_in_both_of_its_forms() -> None:
    folder = SECURITY / "pip-audit"
    report, bom = (read_inventory((folder / name).read_bytes(), DecodeLimits()) for name in ("a.json", "a.cdx.json"))
    said = [
        {(row.name, row.version): {problem.ids[0] for problem in row.problems} for row in each.components}
        for each in (report, bom)
    ]
    assert said[0] == said[1]
    assert all(row.ecosystem == ("PyPI" if row.problems else "") for row in bom.components)
    assert all(row.problems or "no package URL" in row.skip_reason for row in bom.components)


@pytest.mark.skipif(not SECURITY.exists(), reason="the sample files are not here")
def test_a_bom_in_xml_is_refused_by_name() -> None:
    with pytest.raises(InvalidReport, match="XML is not read"):
        read_inventory((SECURITY / "cyclonedx" / "real-requirements-b.1.4.xml").read_bytes(), DecodeLimits())
