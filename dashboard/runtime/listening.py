"""The address that the server listens on."""

import socket
from typing import Final

UNREAD_SECONDS: Final = 60
"""The kernel drops a connection whose other side takes nothing of what is sent to it for this long."""


class ListenProblem(Exception):
    """The address cannot be listened on; the message says why and what to do."""


def split_listen(listen: str) -> tuple[str, int]:
    """("127.0.0.1", 8000) of "127.0.0.1:8000"; IPv6 as "[::1]:8000". Raises ListenProblem."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ListenProblem(f"--listen {listen!r} is not HOST:PORT, such as 127.0.0.1:8000")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - an empty host means every address by convention


def is_loopback(listen: str) -> bool:
    """Only this machine can reach the address."""
    host, _ = split_listen(listen)
    return host in ("localhost", "::1") or host.startswith("127.")


def bind(listen: str) -> socket.socket:
    """A listening socket. Raises ListenProblem naming the address if it is taken or not ours."""
    host, port = split_listen(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # accepted connections inherit it; without it the body of an answer waits 40 ms for the client's ACK of the head
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted connections inherit it
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)
        sock.bind((host, port))
        sock.listen(2048)
    except OSError as error:
        sock.close()
        raise ListenProblem(f"cannot listen on {listen}: {error.strerror}; name another --listen HOST:PORT") from error
    return sock
