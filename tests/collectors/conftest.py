from collections.abc import Callable, Iterator

import pytest

from tests.collectors.web_server import Answer, Served


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Starts servers: `serve(answer)` where `answer(handler)` writes the reply; stopped after the test."""
    running: list[Served] = []

    def start(answer: Answer, host: str = "127.0.0.1") -> Served:
        running.append(Served(answer, host))
        return running[-1]

    yield start
    for served in running:
        served.stop()
