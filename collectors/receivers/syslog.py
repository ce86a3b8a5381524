"""Syslog over UDP, TCP and TLS: messages are collected for a moment and written to the store together.

TCP senders get no answer, so flow control keeps the promise: while the store takes nothing, no more is read, and what
was read is tried again until it is taken. Then it is in the store's journal, on the disk. UDP cannot be slowed down;
what has no room is dropped and counted.
"""

import asyncio
import ipaddress
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from prometheus_client import Counter, Gauge

from collectors.wire.limits import DecodeLimits
from collectors.wire.syslog import decode_syslog
from collectors.wire.syslog_framing import Framer
from telemetry.model.errors import InvalidInput, TelemetryError
from telemetry.store.current import current

MESSAGES: Final = Counter("belvedere_syslog_messages", "Syslog messages received.", ["transport"])
DROPPED: Final = Counter(
    "belvedere_syslog_dropped", "Syslog messages (or connections) not taken.", ["transport", "reason"]
)
WAITING: Final = Gauge("belvedere_syslog_waiting_messages", "Syslog messages read but not committed yet.")

_READ_BYTES: Final = 64 * 1024
_LINGER_SECONDS: Final = 0.1
_RETRY_SECONDS: Final = 1.0
_WRITE_SECONDS: Final = 60.0
_log = structlog.get_logger("belvedere.syslog")


@dataclass(frozen=True, slots=True)
class SyslogSettings:
    """Where to listen, as HOST:PORT ('' for nowhere), and where to stop."""

    udp: str = ""
    tcp: str = ""
    tls: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    tls_client_ca: str = ""
    """Certificates of those who sign senders' certificates; '' asks senders for none."""
    networks: tuple[str, ...] = ()
    """From where messages are taken; empty for everywhere."""
    max_message_bytes: int = 1024**2
    max_waiting: int = 20_000
    max_connections: int = 1_000

    @property
    def is_on(self) -> bool:
        return bool(self.udp or self.tcp or self.tls)


@dataclass(slots=True)
class _Inbox:
    """Messages by sender, between the sockets and the store."""

    messages: dict[str, list[bytes]] = field(default_factory=dict)
    count: int = 0

    def put(self, sender: str, message: bytes) -> None:
        self.messages.setdefault(sender, []).append(message)
        self.count += 1
        WAITING.set(self.count)

    def take(self) -> dict[str, list[bytes]]:
        taken, self.messages = self.messages, {}
        return taken

    def done(self, count: int) -> None:
        self.count -= count
        WAITING.set(self.count)


class SyslogPart:
    """A thread with the sockets and one with nothing else to do than to write."""

    name = "syslog"

    def __init__(self, settings: SyslogSettings) -> None:
        self._settings = settings
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._started: threading.Event = threading.Event()
        self._failure: BaseException | None = None
        self.ports: dict[str, int] = {}
        """Transport -> port that it listens on."""

    def start(self) -> None:
        """Returns when every port listens. Raises OSError or InvalidInput if one cannot."""
        self._started.clear()
        self._failure = None
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self, timeout_seconds: float) -> bool:
        """Close the ports, then write what was read."""
        if self._loop is not None and self._stopping is not None and self.alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join(timeout_seconds)
        return not self.alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (OSError, InvalidInput, ssl.SSLError) as error:
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        listener = _Listener(self._settings)
        self.ports = await listener.open()
        _log.info("syslog listens", **self.ports)
        self._started.set()
        writer = asyncio.create_task(listener.write_until_closed())
        await self._stopping.wait()
        await listener.close()
        await writer


class _Listener:
    """The sockets, and what they hand over. Everything but the writes happens in one event loop."""

    def __init__(self, settings: SyslogSettings) -> None:
        self._settings = settings
        self._networks = [_network(text) for text in settings.networks]
        self._inbox = _Inbox()
        self._arrived, self._room = asyncio.Event(), asyncio.Event()
        self._closed = False
        self._servers: list[asyncio.Server] = []
        self._datagrams: list[asyncio.DatagramTransport] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._room.set()

    async def open(self) -> dict[str, int]:
        """Transport -> port."""
        ports: dict[str, int] = {}
        if self._settings.tcp:
            ports["tcp"] = await self._open_stream("tcp", self._settings.tcp, None)
        if self._settings.tls:
            ports["tls"] = await self._open_stream("tls", self._settings.tls, _tls(self._settings))
        if self._settings.udp:
            ports["udp"] = await self._open_datagrams(self._settings.udp)
        return ports

    async def close(self) -> None:
        """Take nothing more; what was read before is still written."""
        for server in self._servers:
            server.close()
        for transport in self._datagrams:
            transport.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._closed = True
        self._arrived.set()

    async def write_until_closed(self) -> None:
        """Write what arrives, in groups. What the store cannot take now is tried again."""
        while True:
            await self._arrived.wait()
            if not self._closed:
                await asyncio.sleep(_LINGER_SECONDS)
            self._arrived.clear()
            for sender, messages in self._inbox.take().items():
                await self._write(sender, messages)
                self._inbox.done(len(messages))
            self._room.set()
            if self._closed and not self._inbox.count:
                return

    async def _write(self, sender: str, messages: list[bytes]) -> None:
        limits = DecodeLimits(max_records=len(messages))
        batch = decode_syslog(messages, limits, received_ns=time.time_ns(), sender=sender).batch
        while True:
            try:
                future = current().write_logs(batch)
                receipt = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), _WRITE_SECONDS)
            except (TelemetryError, TimeoutError) as error:
                _log.warning("syslog messages wait for the store", messages=len(messages), error=str(error))
                if self._closed:
                    DROPPED.labels("any", "stopping").inc(len(messages))
                    return
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                for refusal in receipt.refusals:
                    DROPPED.labels("any", refusal.reason).inc(refusal.count)
                return

    async def _open_stream(self, transport: str, address: str, context: ssl.SSLContext | None) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - a coroutine always runs in one
            self._connections.add(task)
            try:
                await self._connection(transport, reader, writer)
            finally:
                self._connections.discard(task)
                writer.close()

        host, port = _address(address)
        server = await asyncio.start_server(serve, host, port, ssl=context, limit=_READ_BYTES)
        self._servers.append(server)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    async def _connection(self, transport: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = writer.get_extra_info("peername")[0]
        if len(self._connections) > self._settings.max_connections:
            DROPPED.labels(transport, "connections").inc()
            return
        if not self._allowed(sender):
            DROPPED.labels(transport, "network").inc()
            return
        framer = Framer(self._settings.max_message_bytes)
        try:
            while data := await self._read(reader):
                for message in framer.feed(data):
                    self._take(transport, sender, message)
        except (ConnectionError, ssl.SSLError):
            pass  # the sender is gone; what it sent is kept
        finally:
            if rest := framer.end():
                self._take(transport, sender, rest)

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        """The next bytes once there is room for what they hold."""
        while self._inbox.count >= self._settings.max_waiting:
            self._room.clear()
            await self._room.wait()
        return await reader.read(_READ_BYTES)

    async def _open_datagrams(self, address: str) -> int:
        host, port = _address(address)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=(host, port))
        self._datagrams.append(transport)
        bound: int = transport.get_extra_info("sockname")[1]
        return bound

    def datagram(self, data: bytes, sender: str) -> None:
        """One message over UDP."""
        if not self._allowed(sender):
            DROPPED.labels("udp", "network").inc()
        elif self._inbox.count >= self._settings.max_waiting:
            DROPPED.labels("udp", "full").inc()
        else:
            self._take("udp", sender, data.rstrip(b"\r\n\x00"))

    def _take(self, transport: str, sender: str, message: bytes) -> None:
        MESSAGES.labels(transport).inc()
        self._inbox.put(sender, message)
        self._arrived.set()

    def _allowed(self, sender: str) -> bool:
        if not self._networks:
            return True
        address = ipaddress.ip_address(sender.partition("%")[0])
        return any(address in network for network in self._networks)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, listener: _Listener) -> None:
        self._listener = listener

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._listener.datagram(data, addr[0])


def _address(text: str) -> tuple[str, int]:
    """(host, port) of HOST:PORT or [HOST]:PORT. Raises InvalidInput showing the text."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise InvalidInput(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError as error:
        raise InvalidInput(f"{text!r} is not a network such as 10.0.0.0/8") from error


def _tls(settings: SyslogSettings) -> ssl.SSLContext:
    """Raises InvalidInput naming what is missing."""
    if not settings.tls_certificate:
        raise InvalidInput("syslog over TLS needs a certificate (BELVEDERE_SYSLOG_TLS_CERTIFICATE)")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.tls_certificate, settings.tls_key or None)
    if settings.tls_client_ca:
        context.load_verify_locations(settings.tls_client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
