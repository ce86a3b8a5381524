"""One server of ours for all peers, and the programs of other projects."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.server import Running, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("peers")
    with running(folder / "data", folder / "errors.log") as started:
        yield started


def peer_program(name: str) -> str:
    """Path of a program of another project; the test is skipped, with the reason, where it is not installed."""
    unpacked = Path(os.environ.get("BELVEDERE_TEST_PEERS", "/nonexistent")) / "usr" / "bin" / name
    found = str(unpacked) if unpacked.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed, nor unpacked below BELVEDERE_TEST_PEERS")
    return found
