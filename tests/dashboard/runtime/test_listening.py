import socket

import pytest

from dashboard.runtime.listening import ListenProblem, bind, is_loopback, split_listen


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("[::1]:80", ("::1", 80)),
        (":8000", ("0.0.0.0", 8000)),
        ("belvedere.internal:443", ("belvedere.internal", 443)),
    ],
)
def test_a_listen_address_is_host_and_port(listen: str, expected: tuple[str, int]) -> None:
    assert split_listen(listen) == expected


@pytest.mark.parametrize("listen", ["8000", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000", "127.0.0.1:"])
def test_anything_else_is_refused_with_an_example(listen: str) -> None:
    with pytest.raises(ListenProblem, match="such as 127"):
        split_listen(listen)


@pytest.mark.parametrize(
    ("listen", "expected"),
    [("127.0.0.1:1", True), ("localhost:1", True), ("[::1]:1", True), ("0.0.0.0:1", False), ("192.0.2.1:1", False)],
)
def test_only_loopback_addresses_are_for_this_machine_alone(listen: str, expected: bool) -> None:
    assert is_loopback(listen) is expected


def test_a_taken_port_is_refused_with_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ListenProblem, match=f"cannot listen on {address}: Address already in use"):
            bind(address)


def test_accepted_connections_are_dropped_by_the_kernel_when_nobody_reads_them() -> None:
    with bind("127.0.0.1:0") as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000


def test_a_body_does_not_wait_for_the_head_to_be_acknowledged():
    with bind("127.0.0.1:0") as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert accepted.proto == socket.IPPROTO_TCP
