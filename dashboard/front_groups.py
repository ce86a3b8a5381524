"""Groups of routes that share limits: what is pushed, what is uploaded, forms, and everything else."""

import re
import threading
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from django.conf import settings

from collectors.receivers.routes import receiver_of

_UPLOAD: Final = re.compile(r"/settings/[a-z/]+/upload$")
_API: Final = re.compile(r"/(api|loki|prometheus|osv)/")
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(slots=True)
class RouteGroup:
    """Limits of a group, and how many of its requests are in work. Each limit knows the setting it comes from."""

    name: str
    words: str
    max_bytes: int
    bytes_setting: str
    body_seconds: float
    seconds_setting: str
    concurrent: int
    concurrent_setting: str
    busy_status: int
    """429 where a protocol reads it as "send again later", 503 for people."""
    held_limit: int
    """Bytes of bodies that all requests in work may hold together."""
    held_setting: str
    in_work: int = 0
    held_bytes: int = 0
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    def enter(self) -> bool:
        """Take a place; False if all are taken."""
        with self._lock:
            if self.in_work >= self.concurrent:
                return False
            self.in_work += 1
            return True

    def leave(self, held: int = 0) -> None:
        """Give the place back, and the `held` bytes with it."""
        with self._lock:
            self.in_work -= 1
            self.held_bytes -= held

    def hold(self, size: int) -> bool:
        """Take room for `size` bytes of a body; False if there is none. A body that is alone always has room."""
        with self._lock:
            if self.held_bytes + size > self.held_limit and self.in_work > 1:
                return False
            self.held_bytes += size
            return True


def group_of(method: str, path: str) -> RouteGroup:
    """The group whose limits hold for a request."""
    return route_groups()[group_name(method, path)]


def group_name(method: str, path: str) -> str:
    """ "ingest", "upload", "api" or "page"."""
    if method in _WRITES and (receiver := receiver_of(path)):
        return receiver.limits
    if method in _WRITES and _UPLOAD.match(path):
        return "upload"
    return "api" if _API.match(path) else "page"


@cache
def route_groups() -> dict[str, RouteGroup]:
    """All groups by name, from the settings."""
    ingest, requests = settings.INGEST, settings.CONCURRENT_REQUESTS
    seconds = float(ingest["body_seconds"])
    places, other_places = "BELVEDERE_CONCURRENT_INGEST", "BELVEDERE_CONCURRENT_REQUESTS"
    body, time = "BELVEDERE_MAX_BODY_BYTES", "BELVEDERE_BODY_SECONDS"
    pushed, at_once = int(ingest["max_body_bytes"]), int(ingest["concurrent"])
    upload, form, form_setting = settings.UPLOAD_MAX_BYTES, settings.FORM_MAX_BYTES, "BELVEDERE_FORM_MAX_BYTES"
    held = (int(ingest["held_bytes"]), "BELVEDERE_HELD_BYTES")
    groups = (
        RouteGroup("ingest", "pushed requests", pushed, body, seconds, time, at_once, places, 429, *held),
        RouteGroup(
            "upload", "uploads", upload, "BELVEDERE_UPLOAD_MAX_BYTES", 10 * seconds, f"ten times {time}",
            at_once, places, 429, *held,
        ),
        RouteGroup("api", "API requests", pushed, body, seconds, time, requests, other_places, 429, *held),
        RouteGroup("page", "requests", form, form_setting, seconds, time, requests, other_places, 503, *held),
    )  # fmt: skip
    return {group.name: group for group in groups}
