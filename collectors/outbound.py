"""The one outgoing HTTP client: everything that we fetch goes through it.

A URL is parsed once; scheme, port and host are checked; the name is resolved once, at connection time, and
every address it has must be allowed; the connection goes to one of exactly these addresses while Host header
and TLS server name keep the name. Redirects are not followed, proxies of the environment are not used, and
size and time are capped, also after decompression.
"""

import asyncio
import contextlib
import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import certifi
import httpcore
import httpx
from django.conf import settings

from collectors.addresses import Address, AddressClass, Network, address_class, is_allowed
from collectors.gunzip import GunzipError, StreamingGunzip

Resolver = Callable[[str, int], Sequence[str]]
"""Addresses of a host name, as text. Blocking; raises OSError."""

REFUSED_PORTS: Final = frozenset(
    {1719, 1720, 1723, 2049, 3306, 3659, 4045, 4190, 5060, 5061, 5432, 5672, 6000, 6379, 6566, 6665, 6666, 6667, 6668,
     6669, 6679, 6697, 10080, 11211, 27017}
)  # fmt: skip
"""Ports from 1024 on where something other than HTTP lives (the Fetch standard's list, databases and brokers)."""

USER_AGENT: Final = "Belvedere"
_RESOLVE_SECONDS: Final = 2.0
_STEP_TIMEOUTS: Final = httpx.Timeout(30.0, connect=3.0)
"""Of single steps, so that a dead address leaves time for the next; the whole is capped by OutboundLimits."""
_CHUNK_BYTES: Final = 1 << 16
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,254}")
_NUMERIC_LABEL: Final = re.compile(r"(?i:\d+|0x[0-9a-f]*)")

_resolvers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="outbound-dns")


class OutboundError(Exception):
    """A request of ours got no usable answer."""


class OutboundRefused(OutboundError):
    """We did not send the request, because of where it would have gone."""


class OutboundFailed(OutboundError):
    """The other side did not answer as it should: network, time, size or encoding."""


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """Where requests may go beyond the public internet."""

    networks: tuple[Network, ...] = ()
    """Private networks that may be reached."""
    loopback: bool = False
    """Whether this machine's own addresses may be reached."""


def configured_policy(*, loopback: bool = False) -> OutboundPolicy:
    """The policy of settings.OUTBOUND_ALLOWED_NETWORKS. Raises ValueError naming a network that does not parse."""
    return OutboundPolicy(tuple(map(ipaddress.ip_network, settings.OUTBOUND_ALLOWED_NETWORKS)), loopback)


@dataclass(frozen=True, slots=True)
class OutboundLimits:
    """Caps of one request."""

    seconds: float = 10.0
    """For the whole exchange, from resolving the name to the last byte."""
    wire_bytes: int = 32 * 1024**2
    decoded_bytes: int = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    """Answer of the other side with its body decompressed; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    wire_bytes: int

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


def checked_url(text: str) -> httpx.URL:
    """`text` parsed, with an ASCII host. Raises OutboundRefused naming what is wrong with it."""
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise OutboundRefused(f"{text!r} is not a URL: {error}") from error
    if url.scheme not in ("http", "https"):
        raise OutboundRefused(f"{text!r} has the scheme {url.scheme!r}; only http and https are fetched")
    if url.userinfo:
        raise OutboundRefused("the URL carries a user name or password; give credentials in their own field")
    _check_port(url.port or (443 if url.scheme == "https" else 80))
    _check_host(url.raw_host.decode("ascii"))
    return url


def _check_port(port: int) -> None:
    if port not in (80, 443) and (not 1024 <= port <= 65535 or port in REFUSED_PORTS):
        raise OutboundRefused(f"port {port} is not for HTTP; ports 80, 443 and most from 1024 on are allowed")


def _check_host(host: str) -> None:
    """Refuse an empty host and the odd spellings of IPv4 addresses (octal, hex, one number) that resolvers take."""
    if not host:
        raise OutboundRefused("the URL names no host")
    if _literal(host) is not None:
        return
    if not _HOST_NAME.fullmatch(host):
        raise OutboundRefused(f"{host!r} is not a host name")
    if _NUMERIC_LABEL.fullmatch(host.rstrip(".").rpartition(".")[2]):
        raise OutboundRefused(f"host {host!r} looks like an address but is not written as four decimal numbers")


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def resolve_addresses(host: str, port: int) -> list[str]:
    """What the system's resolver says, without duplicates, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def check_addresses(host: str, addresses: Iterable[str], policy: OutboundPolicy) -> list[str]:
    """`addresses` if all of them are allowed. Raises OutboundRefused for the first that is not, or if none is left."""
    checked = []
    for text in addresses:
        address = ipaddress.ip_address(text)
        if not is_allowed(address, policy.networks, loopback=policy.loopback):
            raise OutboundRefused(_refusal(host, address))
        checked.append(text)
    if not checked:
        raise OutboundRefused(f"{host} has no address")
    return checked


def _refusal(host: str, address: Address) -> str:
    where = f"{host} is {address}" if host != str(address) else host
    match address_class(address):
        case AddressClass.PRIVATE:
            return f"{where}, a private address outside the networks of BELVEDERE_OUTBOUND_NETWORKS"
        case AddressClass.LOOPBACK:
            return f"{where}, this machine itself, which is not allowed here"
        case _:
            return f"{where}, an address that is never fetched from (link-local, metadata service or reserved)"


async def allowed_addresses(
    host: str, port: int, policy: OutboundPolicy, resolve: Resolver = resolve_addresses
) -> list[str]:
    """Addresses of `host` now, all of them allowed. Raises OutboundRefused or OutboundFailed."""
    return check_addresses(host, await _resolved(host, port, resolve), policy)


async def _resolved(host: str, port: int, resolve: Resolver) -> Sequence[str]:
    if (literal := _literal(host)) is not None:
        return [str(literal)]
    lookup = asyncio.get_running_loop().run_in_executor(_resolvers, resolve, host, port)
    try:
        return await asyncio.wait_for(lookup, _RESOLVE_SECONDS)
    except TimeoutError as error:
        raise OutboundFailed(f"{host} was not resolved within {_RESOLVE_SECONDS:g} s") from error
    except OSError as error:
        raise OutboundFailed(f"{host} cannot be resolved: {error.strerror or error}") from error


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for the pool: resolves, checks, and connects to the checked addresses only."""

    def __init__(self, policy: OutboundPolicy, resolve: Resolver) -> None:
        self._policy, self._resolve = policy, resolve
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await allowed_addresses(host, port, self._policy, self._resolve)
        failure: Exception = OutboundFailed(f"{host} has no address")
        for address in addresses:
            try:
                return await self._sockets.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise OutboundRefused("unix sockets are not fetched from")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport over a pool that connects through `_GuardedBackend`."""

    def __init__(
        self, backend: _GuardedBackend, *, tls: ssl.SSLContext, connections: int, keepalive_seconds: float
    ) -> None:
        super().__init__(verify=tls)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=keepalive_seconds,
            network_backend=backend,
        )


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """Verifying context that trusts the system's certificates and those that came with the interpreter."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


@dataclass(slots=True)
class OutboundClient:
    """Asynchronous client with kept-alive connections; use it within one event loop, as a context manager."""

    policy: OutboundPolicy
    connections: int = 100
    keepalive_seconds: float = 90.0
    resolve: Resolver = resolve_addresses
    tls: ssl.SSLContext | None = None
    """Whom to trust; None trusts what the system does."""
    _http: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        transport = _GuardedTransport(
            _GuardedBackend(self.policy, self.resolve),
            tls=self.tls or tls_context(),
            connections=self.connections,
            keepalive_seconds=self.keepalive_seconds,
        )
        self._http = httpx.AsyncClient(
            transport=transport, trust_env=False, follow_redirects=False, timeout=_STEP_TIMEOUTS
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        limits: OutboundLimits = OutboundLimits(),
    ) -> OutboundResponse:
        """One exchange, whatever the status. Raises OutboundRefused or OutboundFailed with a sentence."""
        body, count = bytearray(), 0
        async with self._exchange(method, url, headers, content, limits) as (response, chunks):
            async for chunk in chunks:
                body += chunk
            count = response.num_bytes_downloaded
        return OutboundResponse(response.status_code, dict(response.headers), bytes(body), count)

    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, limits: OutboundLimits = OutboundLimits()
    ) -> OutboundResponse:
        return await self.request("GET", url, headers=headers, limits=limits)

    async def download(
        self,
        url: str,
        file: Path,
        *,
        headers: Mapping[str, str] | None = None,
        limits: OutboundLimits = OutboundLimits(),
    ) -> int:
        """Write the body of a 200 to `file`; bytes written. Raises as `request` does, and for other statuses."""
        written = 0
        async with self._exchange("GET", url, headers, None, limits) as (response, chunks):
            if response.status_code != 200:
                raise OutboundFailed(status_sentence(response.status_code))
            with file.open("wb") as sink:
                async for chunk in chunks:
                    written += sink.write(chunk)
        return written

    @contextlib.asynccontextmanager
    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str] | None, content: bytes | None, limits: OutboundLimits
    ) -> AsyncIterator[tuple[httpx.Response, AsyncIterator[bytes]]]:
        checked = checked_url(url)
        sent = {"user-agent": USER_AGENT, "accept-encoding": "gzip", **(headers or {})}
        try:
            async with (
                asyncio.timeout(limits.seconds),
                self._http.stream(method, checked, headers=sent, content=content) as response,
            ):
                yield response, _decoded(response, limits)
        except TimeoutError as error:
            raise OutboundFailed(f"no complete answer within {limits.seconds:g} s") from error
        except httpx.HTTPError as error:
            raise OutboundFailed(_network_sentence(error)) from error


def _network_sentence(error: httpx.HTTPError) -> str:
    cause = str(error).strip() or type(error).__name__
    return f"connection failed: {cause}" if isinstance(error, httpx.ConnectError) else cause


def status_sentence(status: int) -> str:
    """What an answer other than 200 means to us."""
    if 300 <= status < 400:
        return f"the server answered {status}, a redirect, which is not followed"
    return f"the server answered {status}"


async def _decoded(response: httpx.Response, limits: OutboundLimits) -> AsyncIterator[bytes]:
    """Body chunks, gunzipped where the header says so, never more than the limits allow."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise OutboundFailed(f"the body is encoded as {encoding!r}, which was not asked for")
    gunzip = StreamingGunzip(limits.decoded_bytes) if "gzip" in encoding else None
    async for raw in response.aiter_raw(_CHUNK_BYTES):
        if response.num_bytes_downloaded > limits.wire_bytes:
            raise OutboundFailed(f"the body is over the limit of {limits.wire_bytes} bytes")
        try:
            for chunk in gunzip.feed(raw) if gunzip else (raw,):
                yield chunk
        except GunzipError as error:
            raise OutboundFailed(f"the body {error}") from error
    if gunzip and not gunzip.is_complete:
        raise OutboundFailed("the body is gzip that was cut off")


def fetch(
    url: str,
    *,
    policy: OutboundPolicy,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    limits: OutboundLimits = OutboundLimits(),
) -> OutboundResponse:
    """`OutboundClient.request` for threads without an event loop."""

    async def exchange() -> OutboundResponse:
        async with OutboundClient(policy) as client:
            return await client.request(method, url, headers=headers, content=content, limits=limits)

    return asyncio.run(exchange())


def download(url: str, file: Path, *, policy: OutboundPolicy, limits: OutboundLimits) -> int:
    """`OutboundClient.download` for threads without an event loop."""

    async def exchange() -> int:
        async with OutboundClient(policy) as client:
            return await client.download(url, file, limits=limits)

    return asyncio.run(exchange())
