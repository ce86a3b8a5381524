import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
MODULE = "tests.telemetry.store.numbered_writer"


def run_until_killed(directory: Path, first: int, acknowledgements: int) -> int:
    """Number up to which (excluded) everything was acknowledged before `kill -9`."""
    process = subprocess.Popen(
        [sys.executable, "-m", MODULE, "write", str(directory)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{first}\n")
    process.stdin.flush()
    acknowledged = [int(process.stdout.readline()) for _ in range(acknowledgements)]
    process.kill()
    rest = process.stdout.read().split()
    process.wait()
    return int(rest[-1]) if rest else acknowledged[-1]


def read_back(directory: Path) -> tuple[list[int], list[int]]:
    arguments = [sys.executable, "-m", MODULE, "read", str(directory)]
    found = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True)
    samples, records = (list(map(int, line.split())) for line in found.stdout.splitlines())
    return samples, records


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path):
    acknowledged = 0
    for acknowledgements in (30, 1):
        acknowledged = run_until_killed(tmp_path, acknowledged, acknowledgements)
        samples, records = read_back(tmp_path)
        assert samples[:acknowledged] == list(range(acknowledged))
        assert set(range(acknowledged)) <= set(records)
        assert len(samples) == len(set(samples))
        acknowledged = (max(samples[-1], records[-1]) // 50 + 1) * 50


def test_a_kill_while_the_tables_are_made_leaves_a_directory_that_opens(tmp_path):
    for tables in (1, 4):
        process = subprocess.Popen(
            [sys.executable, "-m", MODULE, "write", str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, text=True
        )
        while len(list(tmp_path.glob("store/*/*"))) < tables and process.poll() is None:
            time.sleep(0.001)
        process.kill()
        process.wait()
    assert read_back(tmp_path) == ([], [])
