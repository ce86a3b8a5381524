"""The ClickHouse HTTP interface in front of the embedded engine, so that the real HTTP client can be tested offline.

    python -m tests.clickhouse_server DIRECTORY [USER PASSWORD]

prints the port it listens on (loopback, chosen by the system) and serves until it is killed. What it knows:
queries in the body, the URL or a multipart form, bound parameters, settings by request, inserts in any format,
compressed bodies both ways, Basic authentication, exceptions with their code.

Source: https://clickhouse.com/docs/en/interfaces/http
"""

import base64
import gzip
import json
import re
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import chdb
import zstandard

_NOT_SETTINGS: Final = frozenset(
    {
        *("database", "query", "query_id", "default_format", "user", "password", "role", "quota_key"),
        *("session_id", "session_timeout", "session_check", "client_protocol_version"),
        *("compress", "decompress", "buffer_size", "wait_end_of_query", "enable_http_compression"),
        *("send_progress_in_http_headers", "http_headers_progress_interval_ms"),
    }
)
_INSERT: Final = re.compile(rb"\s*(INSERT\s+INTO\s+.+?)\s+FORMAT\s+(\w+)\s*\n", re.IGNORECASE | re.DOTALL)
_TRAILING_FORMAT: Final = re.compile(r"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_CODE: Final = re.compile(r"Code: (\d+)")
_AUTHENTICATION_FAILED: Final = "Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)"
_STATUS_OF_CODE: Final = {516: 403, 497: 403, 60: 404, 81: 404, 62: 400, 46: 404, 47: 404, 159: 408, 241: 500}


@dataclass
class Request:
    """What a client sent, wherever it put it."""

    query: bytes = b""
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, str]:
        return {name[6:]: value for name, value in self.fields.items() if name.startswith("param_")}

    @property
    def settings(self) -> dict[str, str]:
        return {
            name: value
            for name, value in self.fields.items()
            if name not in _NOT_SETTINGS and not name.startswith("param_")
        }


class EngineError(Exception):
    """What the engine answered instead of a result."""


class Engine:
    """One directory; every request has a session of its own."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._anchor = chdb.connect(directory)  # the engine closes with its last connection

    def run(self, request: Request) -> bytes:
        with self._session(request) as session:
            if insert := _INSERT.match(request.query):
                return self._insert(session, insert[1].decode(), insert[2].decode(), request.query[insert.end() :])
            fmt = request.fields.get("default_format", "TabSeparated")
            return session.query(request.query.decode(), fmt, params=request.parameters).bytes() or b""

    @staticmethod
    def _insert(session: Any, statement: str, fmt: str, data: bytes) -> bytes:
        with tempfile.NamedTemporaryFile(suffix=".insert") as file:
            file.write(data)
            file.flush()
            session.query(f"{statement} FROM INFILE '{file.name}' FORMAT {fmt}")
        return b""

    @contextmanager
    def _session(self, request: Request) -> Iterator[Any]:
        session = chdb.connect(self._directory)
        try:
            if database := request.fields.get("database"):
                session.query(f"USE {quoted(database, '`')}")
            for name, value in request.settings.items():
                session.query(f"SET {quoted(name, '`')} = {quoted(value, chr(39))}")
            yield session
        except RuntimeError as error:
            raise EngineError(str(error)) from error
        finally:
            session.close()


def quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


class Handler(BaseHTTPRequestHandler):
    """One request of one client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    engine: Engine
    user: str = "default"
    password: str = ""

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/ping":
            self._answer(200, b"Ok.\n")
        else:
            self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: Any) -> None:
        """Nothing: standard output carries the port."""

    def _serve(self) -> None:
        body = self._body()
        if not self._authenticated():
            return self._fail(_AUTHENTICATION_FAILED)
        request = self._request(body)
        try:
            result = self.engine.run(request)
        except EngineError as error:
            return self._fail(str(error))
        result_format = _TRAILING_FORMAT.search(request.query[-200:].decode(errors="replace"))
        self._answer(200, result, request, {"X-ClickHouse-Format": result_format[1]} if result_format else {})
        return None

    def _request(self, body: bytes) -> Request:
        fields = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        query = fields.get("query", "").encode()
        content_type = self.headers.get("Content-Type", "")
        if content_type.startswith("multipart/form-data"):
            form = dict(_multipart(body, content_type))
            query += form.pop("query", b"")
            fields.update({name: value.decode() for name, value in form.items()})
        else:
            query += (b"\n" if query and body else b"") + body
        return Request(query, fields)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b"".join(self._chunks())
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.headers.get("Content-Encoding"):
            case "gzip":
                return gzip.decompress(data)
            case "zstd":
                return zstandard.ZstdDecompressor().stream_reader(data).read()
            case _:
                return data

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _authenticated(self) -> bool:
        given = (self.headers.get("X-ClickHouse-User", "default"), self.headers.get("X-ClickHouse-Key", ""))
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            user, _, password = base64.b64decode(credentials).decode().partition(":")
            given = (user, password)
        return given == (self.user, self.password)

    def _fail(self, message: str) -> None:
        start = message.find("Code: ")
        message = message[max(start, 0) :]
        code = int(found[1]) if (found := _CODE.search(message)) else 1002
        headers = {"X-ClickHouse-Exception-Code": str(code)}
        self._answer(_STATUS_OF_CODE.get(code, 500), (message + "\n").encode(), None, headers)

    def _answer(
        self, status: int, body: bytes, request: Request | None = None, headers: dict[str, str] | None = None
    ) -> None:
        headers = dict(headers or {})
        if request and request.fields.get("enable_http_compression") == "1":
            body, encoding = self._compressed(body)
            headers |= {"Content-Encoding": encoding} if encoding else {}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("X-ClickHouse-Timezone", "UTC")
        self.send_header("X-ClickHouse-Query-Id", str(uuid.uuid4()))
        self.send_header("X-ClickHouse-Summary", json.dumps({"read_rows": "0"}))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _compressed(self, body: bytes) -> tuple[bytes, str]:
        accepted = self.headers.get("Accept-Encoding", "")
        if "zstd" in accepted:
            return zstandard.ZstdCompressor().compress(body), "zstd"
        if "gzip" in accepted:
            return gzip.compress(body), "gzip"
        return body, ""


def _multipart(body: bytes, content_type: str) -> Iterator[tuple[str, bytes]]:
    boundary = b"--" + content_type.partition("boundary=")[2].strip('"').encode()
    for part in body.split(boundary)[1:-1]:
        head, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if name := re.search(rb'name="([^"]*)"', head):
            yield name[1].decode(), value.removesuffix(b"\r\n")


def serve(directory: Path, user: str = "default", password: str = "") -> None:
    """Listen on a port of the system's choice, print it, and serve for ever."""
    handler = type("BoundHandler", (Handler,), {"engine": Engine(str(directory)), "user": user, "password": password})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), *sys.argv[2:4])
