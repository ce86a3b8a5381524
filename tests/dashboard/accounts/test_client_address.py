"""Forwarded headers count only when a named proxy sent them."""

import pytest
from django.test import Client, RequestFactory

from dashboard.accounts.checks import proxies_are_addresses
from dashboard.accounts.client_address import ForwardedHeadersMiddleware, client_address, is_loopback, network_of


def address(peer: str, forwarded: str | None = None) -> str | None:
    extra = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return client_address(RequestFactory().get("/", REMOTE_ADDR=peer, **extra))


def test_a_stranger_cannot_choose_an_address() -> None:
    assert address("203.0.113.9", "1.2.3.4") == "203.0.113.9"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("1.2.3.4, 198.51.100.7", "198.51.100.7"),
        ("1.2.3.4, 198.51.100.7, 10.0.0.9", "198.51.100.7"),
        ("1.2.3.4, nonsense", "10.0.0.1"),
        ("1.2.3.4, nonsense, 10.0.0.9", "10.0.0.9"),
        ("", "10.0.0.1"),
        ("10.0.0.2, 10.0.0.3", "10.0.0.2"),
        ("2001:db8::5", "2001:db8::5"),
    ],
)
def test_behind_named_proxies_the_nearest_stranger_counts(settings, forwarded: str, expected: str) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert address("10.0.0.1", forwarded) == expected


def test_an_ipv4_address_in_ipv6_clothes_is_the_same_address(settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert address("::ffff:203.0.113.9") == "203.0.113.9"
    assert address("::ffff:10.0.0.1", "198.51.100.7") == "198.51.100.7"


@pytest.mark.parametrize("peer", ["", "unix:", "not an address"])
def test_a_peer_without_an_address_has_none(peer: str) -> None:
    assert address(peer) is None


def test_limits_are_shared_by_a_24_and_a_64() -> None:
    assert network_of("203.0.113.9") == "203.0.113.0/24"
    assert network_of("2001:db8:1:2:3::4") == "2001:db8:1:2::/64"
    assert network_of(None) == "unknown"


def test_forwarded_headers_of_strangers_are_gone_before_anything_reads_them() -> None:
    request = RequestFactory().get(
        "/", REMOTE_ADDR="203.0.113.9", HTTP_X_FORWARDED_PROTO="https", HTTP_X_FORWARDED_HOST="evil.example"
    )
    ForwardedHeadersMiddleware(lambda seen: seen)(request)
    assert not [name for name in request.META if name.startswith("HTTP_X_FORWARDED")]


def test_a_stranger_cannot_pretend_https(settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.TRUSTED_PROXIES = ["10.0.0.1"]
    settings.SECURE_SSL_REDIRECT = True
    client = Client()
    assert client.get("/login", REMOTE_ADDR="203.0.113.9", HTTP_X_FORWARDED_PROTO="https").status_code == 301
    assert client.get("/login", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_PROTO="https").status_code == 200


def test_loopback_is_open_to_programs_here_but_not_through_a_proxy(settings) -> None:
    def here(**extra: str) -> bool:
        request = RequestFactory().get("/", **extra)
        ForwardedHeadersMiddleware(lambda seen: seen)(request)
        return is_loopback(request)

    assert here(REMOTE_ADDR="127.0.0.1")
    assert here(REMOTE_ADDR="::1")
    assert not here(REMOTE_ADDR="203.0.113.9")
    assert not here(REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.9")
    assert not here(REMOTE_ADDR="127.0.0.1", HTTP_FORWARDED="for=203.0.113.9")
    settings.LOOPBACK_OPEN = False
    assert not here(REMOTE_ADDR="127.0.0.1")


def test_a_word_that_is_no_network_is_said_at_the_start(settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "proxy.example"]
    assert ["proxy.example" in error.msg for error in proxies_are_addresses(None)] == [True]
