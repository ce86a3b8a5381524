from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that has not been started; whatever runs in the end is stopped."""
    server = Server(tmp_path / "data")
    yield server
    if server.process is not None:
        server.stop()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One started server for the tests of a module that only look at it."""
    server = Server(tmp_path_factory.mktemp("system") / "data").start()
    server.wait_ready()
    yield server
    assert server.stop() == 0
