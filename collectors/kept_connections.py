"""GET over kept-alive connections for many pages that are fetched again and again: the outgoing client's lean half.

Goes where `collectors.outbound` may go and nowhere else: every connection is opened to an address that was checked
when it was opened. One request at a time on a connection; a tenth of the processor time of a general client.
"""

import asyncio
import ssl
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final, Self

import httptools

from collectors.gunzip import GunzipError, StreamingGunzip
from collectors.outbound import (
    USER_AGENT,
    OutboundFailed,
    OutboundLimits,
    OutboundPolicy,
    OutboundResponse,
    Resolver,
    allowed_addresses,
    checked_url,
    resolve_addresses,
    tls_context,
)

_CONNECT_SECONDS: Final = 3.0
_MAX_HEADERS: Final = 200
_MAX_HEADER_BYTES: Final = 65_536
_GZIP: Final = 31
"""zlib's window bits for the gzip container."""


@dataclass(frozen=True, slots=True)
class PreparedGet:
    """A request that is sent again and again, checked and written out once."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    """None for plain HTTP."""
    server_name: str
    message: bytes = field(repr=False)

    @property
    def key(self) -> tuple[str, int, int, str]:
        """Requests of one key may share a connection."""
        return self.host, self.port, id(self.tls), self.server_name


def prepared_get(
    url: str, headers: dict[str, str], *, tls: ssl.SSLContext | None = None, server_name: str = ""
) -> PreparedGet:
    """A GET of `url`. Raises OutboundRefused for a URL that is never fetched from, OutboundFailed for bad headers."""
    checked = checked_url(url)
    secure = checked.scheme == "https"
    host = checked.raw_host.decode("ascii").strip("[]")
    lines = [f"GET {checked.raw_path.decode('ascii')} HTTP/1.1", f"host: {checked.netloc.decode('ascii')}"]
    for name, value in {"user-agent": USER_AGENT, **headers}.items():
        if not (name.isascii() and value.isprintable()):
            raise OutboundFailed(f"the header {name} holds characters that no header may have")
        lines.append(f"{name}: {value}")
    return PreparedGet(
        host=host,
        port=checked.port or (443 if secure else 80),
        tls=(tls or tls_context()) if secure else None,
        server_name=server_name or host,
        message="\r\n".join([*lines, "", ""]).encode("latin-1", errors="replace"),
    )


class _Connection(asyncio.Protocol):
    """One connection; `exchange` sends a request and waits for its whole answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[None] | None = None
        self.open = True
        self._reset(0)

    def _reset(self, most_bytes: int) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._most = most_bytes
        self.received = 0
        self._head_bytes = 0
        self.headers: dict[str, str] = {}
        self.body: list[bytes] = []
        self._in_body = False
        self.whole = False
        self.keep = False

    async def exchange(self, message: bytes, most_bytes: int) -> int:
        """Status of the answer; `headers` and `body` hold the rest. Raises OutboundFailed."""
        if self._transport is None:
            raise OutboundFailed("the connection is not open")
        self._reset(most_bytes)
        self._answer = self._loop.create_future()
        self._transport.write(message)
        await self._answer
        return int(self._parser.get_status_code())

    def close(self) -> None:
        self.open = False
        if self._transport is not None:
            self._transport.abort()

    # ---- what the event loop tells ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # nobody asked: this connection is not usable any more
            return
        if not self._in_body:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"the answer is not HTTP: {error}")

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if self._answer is None or self._answer.done():
            return
        unbounded = self._in_body and not {"content-length", "transfer-encoding"} & self.headers.keys()
        if unbounded and error is None:
            self._answer.set_result(None)  # the end of the connection is the end of the body
        else:
            self._fail(f"connection failed: {error or 'the server hung up before its answer was complete'}")

    # ---- what the parser tells -------------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) >= _MAX_HEADERS or self._head_bytes > 8 * _MAX_HEADER_BYTES:
            self._fail("the answer has too many headers")
            return
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._in_body = True

    def on_body(self, piece: bytes) -> None:
        self.received += len(piece)
        if self.received > self._most:
            self._fail(f"the body is over the limit of {self._most} bytes")
        else:
            self.body.append(piece)

    def on_message_complete(self) -> None:
        self.whole = True
        self.keep = bool(self._parser.should_keep_alive())
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    def _fail(self, sentence: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(OutboundFailed(sentence))
        self.close()


class KeptConnections:
    """Connections to many hosts, kept between requests; use it within one event loop, as a context manager."""

    def __init__(self, policy: OutboundPolicy, resolve: Resolver = resolve_addresses) -> None:
        self._policy, self._resolve = policy, resolve
        self._idle: defaultdict[tuple[str, int, int, str], list[_Connection]] = defaultdict(list)
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closed = True
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def get(self, request: PreparedGet, limits: OutboundLimits) -> OutboundResponse:
        """One exchange, whatever the status. Raises OutboundRefused or OutboundFailed with a sentence."""
        try:
            async with asyncio.timeout(limits.seconds):
                return await self._get(request, limits)
        except TimeoutError as error:
            raise OutboundFailed(f"no complete answer within {limits.seconds:g} s") from error

    def forget_idle(self, keys: set[tuple[str, int, int, str]]) -> None:
        """Close connections that belong to none of `keys`."""
        for key in self._idle.keys() - keys:
            for connection in self._idle.pop(key):
                connection.close()

    async def _get(self, request: PreparedGet, limits: OutboundLimits) -> OutboundResponse:
        kept = self._kept(request)
        if kept is not None:
            try:
                return await self._exchange(kept, request, limits)
            except OutboundFailed:
                if kept.received or kept.headers:
                    raise
                # closed by the other side while it was idle: a new one tells whether the target is well
        return await self._exchange(await self._connected(request), request, limits)

    def _kept(self, request: PreparedGet) -> _Connection | None:
        idle = self._idle[request.key]
        while idle:
            connection = idle.pop()
            if connection.open:
                return connection
        return None

    async def _exchange(
        self, connection: _Connection, request: PreparedGet, limits: OutboundLimits
    ) -> OutboundResponse:
        try:
            status = await connection.exchange(request.message, limits.wire_bytes)
        except BaseException:
            connection.close()
            raise
        raw, headers, received = b"".join(connection.body), connection.headers, connection.received
        connection.body = []
        if connection.whole and connection.keep and connection.open and not self._closed:
            self._idle[request.key].append(connection)
        else:
            connection.close()
        body = decoded_body(raw, headers.get("content-encoding", ""), limits.decoded_bytes)
        return OutboundResponse(status, headers, body, received)

    async def _connected(self, request: PreparedGet) -> _Connection:
        loop = asyncio.get_running_loop()
        failure = "it has no address"
        for address in await allowed_addresses(request.host, request.port, self._policy, self._resolve):
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    _, connection = await loop.create_connection(
                        lambda: _Connection(loop),
                        address,
                        request.port,
                        ssl=request.tls,
                        server_hostname=request.server_name if request.tls else None,
                    )
                return connection
            except TimeoutError:
                failure = f"{address} did not answer within {_CONNECT_SECONDS:g} s"
            except OSError as error:
                failure = error.strerror or str(error)
        raise OutboundFailed(f"connection failed: {failure}")


def decoded_body(raw: bytes, encoding: str, most_bytes: int) -> bytes:
    """`raw` without its content encoding. Raises OutboundFailed for another one than gzip, or too large a body."""
    word = encoding.strip().lower()
    if word in ("", "identity"):
        return raw
    if word not in ("gzip", "x-gzip"):
        raise OutboundFailed(f"the body is encoded as {word!r}, which was not asked for")
    inflate = zlib.decompressobj(_GZIP)
    try:
        body = inflate.decompress(raw, most_bytes + 1)
    except zlib.error as error:
        raise OutboundFailed(f"the body is broken gzip: {error}") from error
    if len(body) > most_bytes:
        raise OutboundFailed(f"the body is over the limit of {most_bytes} bytes when decompressed")
    if inflate.eof and not inflate.unused_data:
        return body
    return _members(raw, most_bytes)


def _members(raw: bytes, most_bytes: int) -> bytes:
    """Gzip of several members, or cut off."""
    gunzip = StreamingGunzip(most_bytes)
    try:
        body = b"".join(gunzip.feed(raw))
    except GunzipError as error:
        raise OutboundFailed(f"the body {error}") from error
    if not gunzip.is_complete:
        raise OutboundFailed("the body is gzip that was cut off")
    return body
