"""The OSV API for one child process: on loopback, on a port of the system's choice, for as long as it runs.

A worker may live on another machine than the pages, and the pages may stand behind TLS or other host names; this way
the child reaches the mirror wherever it is started.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

import structlog
from django.db import connections

from fleet.selectors.osv_api import OsvError, answer_query

_MAX_BODY_BYTES: Final = 1024**2
_READ_SECONDS: Final = 30.0

_log = structlog.get_logger("belvedere.osv")


@contextmanager
def osv_server() -> Iterator[str]:
    """URL of the query endpoint, answered while the block runs."""
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=_serve, args=(server,), name="osv-server", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _serve(server: HTTPServer) -> None:
    try:
        server.serve_forever(poll_interval=0.1)
    finally:
        connections.close_all()


class _Handler(BaseHTTPRequestHandler):
    timeout = _READ_SECONDS

    def do_POST(self) -> None:
        try:
            self._answer(200, answer_query(self._query()))
        except OsvError as error:
            self._answer(error.status, error.as_json())

    def _query(self) -> Any:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal() or int(length) > _MAX_BODY_BYTES:
            raise OsvError(f"the query has {length} bytes; the limit is {_MAX_BODY_BYTES}", status=413)
        try:
            return json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise OsvError(f"the query is broken JSON: {error}") from error

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        _log.debug("osv query", line=args[0] % args[1:] if args else "")
