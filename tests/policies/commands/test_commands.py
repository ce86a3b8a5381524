"""`belvedere policy` and `belvedere backtest` as a person calls them."""

import gzip
import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.policies.scaling.test_documents import HPA


def output(*words: str) -> str:
    stream = io.StringIO()
    call_command(*words, stdout=stream)
    return stream.getvalue()


def test_decide_prints_a_list_of_name_replicas_and_error(tmp_path: Path) -> None:
    case = {"name": "up", "kind": "external", "current_replicas": 2, "levels_milli": [9000], "target_milli": 3000}
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({"cases": [case, {"name": "no"}]}))
    first, second = json.loads(output("policy", "decide", str(file)))
    assert first == {"name": "up", "replicas": 6, "error": None}
    assert second["replicas"] is None
    assert "kind is None" in second["error"]


@pytest.mark.parametrize(("content", "fault"), [("{", "is not JSON"), ("{}", "expected a list of cases")])
def test_decide_refuses_what_it_cannot_read(tmp_path: Path, content: str, fault: str) -> None:
    file = tmp_path / "cases.json"
    file.write_text(content)
    with pytest.raises(CommandError, match=fault):
        output("policy", "decide", str(file))


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    policy, load = tmp_path / "web.yaml", tmp_path / "load.csv.gz"
    policy.write_text(HPA)
    rows = "\n".join(f"{n * 60},{5 + n % 10}" for n in range(200))
    load.write_bytes(gzip.compress(f"timestamp,load\n{rows}\n".encode()))
    return str(policy), str(load)


def test_a_backtest_prints_figures_as_json(files: tuple[str, str]) -> None:
    policy, load = files
    report = json.loads(output("backtest", "--policy", policy, "--load", load, "--capacity", "2", "--json"))
    (row,) = report["results"]
    assert (row["policy"], row["minimum"], row["maximum"]) == ("web", 2, 10)
    assert row["replica_hours"] > 0
    assert row["cost"] == f"{row['replica_hours'] * 0.04:.4f}"
    assert report["load"]["steps"] == 800
    assert "a replica carries a load of 2 within the objective" in report["assumptions"]


def test_a_search_names_its_front_and_exports_from_it(files: tuple[str, str]) -> None:
    policy, load = files
    words = ["backtest", "--policy", policy, "--load", load, "--capacity", "2", "--search", "20"]
    report = json.loads(output(*words, "--json"))
    assert len(report["results"]) == 20
    exported = output(*words, "--export", report["pareto"][-1])
    assert "kind: HorizontalPodAutoscaler" in exported
    assert "team: blue" in exported


def test_a_fault_of_policy_or_load_is_one_sentence(files: tuple[str, str], tmp_path: Path) -> None:
    policy, load = files
    bad = tmp_path / "bad.csv"
    bad.write_text("timestamp,load\n0,1\n60,x\n")
    with pytest.raises(CommandError, match=r"bad\.csv: line 3: load is 'x'; expected a number"):
        output("backtest", "--policy", policy, "--load", str(bad))
    with pytest.raises(CommandError, match="--price is 'much'"):
        output("backtest", "--policy", policy, "--load", load, "--price", "much")
    with pytest.raises(CommandError, match="No such file"):
        output("backtest", "--policy", policy, "--load", str(tmp_path / "none.csv"))
