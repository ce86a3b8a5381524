"""Posts to the real endpoints and waits where the server asks to."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from collectors.outbound import OutboundClient, OutboundFailed, OutboundLimits, OutboundResponse, configured_policy

CONCURRENT: Final = 3
ATTEMPTS: Final = 8
_LIMITS: Final = OutboundLimits(seconds=120)
_LONGEST_WAIT: Final = 20.0
_LATER: Final = frozenset({408, 429, 500, 502, 503, 504})


class DemoFailed(Exception):
    """The server did not take what was sent; the message says what it answered."""


@dataclass(frozen=True, slots=True)
class Post:
    """One request of the simulated fleet."""

    path: str
    body: bytes
    content_type: str
    encoding: str = ""

    @property
    def headers(self) -> dict[str, str]:
        encoding = {"content-encoding": self.encoding} if self.encoding else {}
        return {"content-type": self.content_type, **encoding}


def remote_write(body: bytes) -> Post:
    return Post("/api/v1/write", body, "application/x-protobuf", "snappy")


def loki(body: bytes) -> Post:
    return Post("/loki/api/v1/push", body, "application/json")


def otlp(body: bytes) -> Post:
    return Post("/v1/logs", body, "application/json")


def document(path: str, content: Any) -> Post:
    return Post(path, json.dumps(content).encode(), "application/json")


class Sends(Protocol):
    """Whatever brings a post to the server."""

    async def send(self, post: Post) -> None:
        """Return once the server has it. Raises DemoFailed."""
        ...


@contextlib.asynccontextmanager
async def sender_to(url: str, token: str) -> AsyncIterator["Sender"]:
    """A sender over HTTP, good inside the block. This machine's own addresses are allowed."""
    async with OutboundClient(configured_policy(loopback=True)) as client:
        yield Sender(client, url, token)


class Sender:
    """Sends at most CONCURRENT posts at once; each until it is acknowledged."""

    def __init__(self, client: OutboundClient, url: str, token: str) -> None:
        self._client, self._url, self._token = client, url.rstrip("/"), token
        self._places = asyncio.Semaphore(CONCURRENT)

    async def send(self, post: Post) -> None:
        """Return once the server has it. Raises DemoFailed if it refuses, or does not answer often enough."""
        async with self._places:
            for attempt in range(ATTEMPTS):
                answer, problem = await self._try(post)
                if answer is not None and answer.status < 300:
                    return
                if answer is not None and answer.status not in _LATER:
                    raise DemoFailed(problem)
                await asyncio.sleep(_wait_seconds(answer, attempt))
            raise DemoFailed(f"{problem}; given up after {ATTEMPTS} attempts")

    async def _try(self, post: Post) -> tuple[OutboundResponse | None, str]:
        headers = {**post.headers, "authorization": f"Bearer {self._token}"}
        try:
            answer = await self._client.request(
                "POST", self._url + post.path, headers=headers, content=post.body, limits=_LIMITS
            )
        except OutboundFailed as error:
            return None, f"{self._url}{post.path}: {error}"
        return answer, f"{post.path} answered {answer.status}: {answer.body.decode(errors='replace')[:300].strip()}"


def _wait_seconds(answer: OutboundResponse | None, attempt: int) -> float:
    asked = answer.headers.get("retry-after", "") if answer else ""
    return min(float(asked) if asked.isdigit() else 0.5 * 2**attempt, _LONGEST_WAIT)
