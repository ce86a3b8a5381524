"""Where to go after signing in: only ever a path of this site."""

from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

HOME = "/"


def safe_next(candidate: str | None, default: str = HOME) -> str:
    """`candidate` if it is a path of this site, else `default`.

    Refuses other hosts, `//host`, backslashes, control characters and anything with a scheme.
    """
    if not candidate or not candidate.startswith("/") or candidate.startswith("//"):
        return default
    if "\\" in candidate or any(ord(character) < 0x20 or ord(character) == 0x7F for character in candidate):
        return default
    return candidate if url_has_allowed_host_and_scheme(candidate, allowed_hosts=None) else default


def with_next(address: str, wanted: str) -> str:
    """`address` with `wanted` to return to, left out when it is the start page."""
    wanted = safe_next(wanted)
    return address if wanted == HOME else f"{address}?{urlencode({'next': wanted})}"


def wanted_page(request: HttpRequest) -> str:
    """The page a person wanted: the requested one, or for a part loaded by htmx the page around it."""
    current = request.headers.get("HX-Current-URL", "")
    if current:
        parts = urlsplit(current)
        return safe_next(parts.path + (f"?{parts.query}" if parts.query else ""))
    return safe_next(request.get_full_path()) if request.method in ("GET", "HEAD") else HOME
