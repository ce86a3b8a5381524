"""The outgoing client reaches what it may, and nothing else."""

import asyncio
import datetime
import gzip
import ipaddress
import socket
import ssl
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collectors import outbound
from collectors.addresses import AddressClass, address_class, is_allowed
from collectors.outbound import (
    OutboundClient,
    OutboundError,
    OutboundFailed,
    OutboundLimits,
    OutboundPolicy,
    OutboundRefused,
    check_addresses,
    checked_url,
    configured_policy,
    download,
    fetch,
)
from tests.collectors.web_server import reply

HERE = OutboundPolicy(loopback=True)

CLASSES = [
    ("8.8.8.8", "PUBLIC"),
    ("2606:4700::1111", "PUBLIC"),
    ("64:ff9b::8.8.8.8", "PUBLIC"),
    ("2002:808:808::1", "PUBLIC"),
    ("::ffff:8.8.8.8", "PUBLIC"),
    ("10.0.0.1", "PRIVATE"),
    ("172.16.0.1", "PRIVATE"),
    ("172.31.255.255", "PRIVATE"),
    ("192.168.1.1", "PRIVATE"),
    ("100.64.0.1", "PRIVATE"),
    ("198.18.0.1", "PRIVATE"),
    ("192.0.2.1", "PRIVATE"),
    ("fd12:3456::1", "PRIVATE"),
    ("2001:db8::1", "PRIVATE"),
    ("::ffff:10.0.0.1", "PRIVATE"),
    ("64:ff9b::10.0.0.1", "PRIVATE"),
    ("2002:a00:1::1", "PRIVATE"),
    ("2606:4700::5efe:10.0.0.1", "PRIVATE"),
    ("127.0.0.1", "LOOPBACK"),
    ("127.255.255.254", "LOOPBACK"),
    ("::1", "LOOPBACK"),
    ("::ffff:127.0.0.1", "LOOPBACK"),
    ("64:ff9b::127.0.0.1", "LOOPBACK"),
    ("2002:7f00:1::1", "LOOPBACK"),
    ("0.0.0.0", "FORBIDDEN"),
    ("0.1.2.3", "FORBIDDEN"),
    ("::", "FORBIDDEN"),
    ("::127.0.0.1", "FORBIDDEN"),
    ("169.254.169.254", "FORBIDDEN"),
    ("169.254.1.1", "FORBIDDEN"),
    ("::ffff:169.254.169.254", "FORBIDDEN"),
    ("64:ff9b::169.254.169.254", "FORBIDDEN"),
    ("64:ff9b:1::1", "FORBIDDEN"),
    ("2002:a9fe:a9fe::1", "FORBIDDEN"),
    ("2001:0:a9fe:a9fe::1", "FORBIDDEN"),
    ("2001:0:808:808::5601:5601", "FORBIDDEN"),  # Teredo client 169.254.169.254, all bits flipped
    ("2606:4700::200:5efe:169.254.169.254", "FORBIDDEN"),
    ("100.100.100.200", "FORBIDDEN"),
    ("192.0.0.192", "FORBIDDEN"),
    ("168.63.129.16", "FORBIDDEN"),
    ("fd00:ec2::254", "FORBIDDEN"),
    ("fe80::1", "FORBIDDEN"),
    ("fe80::1%eth0", "FORBIDDEN"),
    ("fec0::1", "FORBIDDEN"),
    ("ff02::1", "FORBIDDEN"),
    ("224.0.0.1", "FORBIDDEN"),
    ("255.255.255.255", "FORBIDDEN"),
    ("4000::1", "FORBIDDEN"),
]


@pytest.mark.parametrize(("address", "expected"), CLASSES)
def test_every_address_has_the_class_of_where_it_leads(address: str, expected: str) -> None:
    parsed = ipaddress.ip_address(address)
    assert address_class(parsed) is AddressClass[expected]
    assert is_allowed(parsed, (), loopback=False) is (expected == "PUBLIC")


def test_a_configured_network_opens_its_private_addresses_and_nothing_else() -> None:
    everything = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
    assert is_allowed(ipaddress.ip_address("10.1.2.3"), [ipaddress.ip_network("10.0.0.0/8")], loopback=False)
    assert is_allowed(ipaddress.ip_address("::ffff:10.1.2.3"), [ipaddress.ip_network("10.0.0.0/8")], loopback=False)
    assert not is_allowed(ipaddress.ip_address("192.168.0.1"), [ipaddress.ip_network("10.0.0.0/8")], loopback=False)
    for address in ("169.254.169.254", "127.0.0.1", "fd00:ec2::254", "::1", "64:ff9b::169.254.169.254"):
        assert not is_allowed(ipaddress.ip_address(address), everything, loopback=False)
    assert is_allowed(ipaddress.ip_address("127.0.0.1"), [ipaddress.ip_network("127.0.0.0/8")], loopback=False)


REFUSED_URLS = [
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://example.org/",
    "example.org/metrics",
    "//example.org/",
    "http://",
    "http:///metrics",
    "http://user:secret@example.org/",
    "http://user@example.org/",
    "http://good.example\\@evil.example/",
    "http://example.org:22/",
    "http://example.org:25/",
    "http://example.org:6379/",
    "http://example.org:11211/",
    "http://example.org:99999/",
    "http://example.org:port/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.0.1./",
    "http://example.1/",
    "http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
    "http://[::1/",
    "http://[::ffff:1.2.3]/",
    "http://exa mple.org/",
    "http://example.org/\r\nX: y",
    "http://%31%32%37.0.0.1/",
    "http://-\x00-/",
]


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_an_odd_url_is_refused_before_anything_is_resolved(url: str) -> None:
    with pytest.raises(OutboundRefused):
        checked_url(url)


def test_a_name_in_another_script_becomes_ascii() -> None:
    assert checked_url("https://bücher.example/a?b=c").raw_host == b"xn--bcher-kva.example"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://localhost.:{port}/",
        "http://LOCALHOST:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[0:0:0:0:0:ffff:7f00:1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://[::]:{port}/",
        "http://169.254.169.254:{port}/latest/meta-data/",
        "http://[::ffff:a9fe:a9fe]:{port}/",
        "http://[64:ff9b::a9fe:a9fe]:{port}/",
        "http://10.0.0.1:{port}/",
    ],
)
def test_inner_addresses_are_never_connected_to(url: str, serve) -> None:
    served = serve(lambda handler: reply(handler, b"secret"))
    with pytest.raises(OutboundError):
        fetch(url.format(port=served.port), policy=OutboundPolicy())
    assert served.requests == []


def test_metadata_is_refused_even_when_every_network_is_configured() -> None:
    policy = OutboundPolicy((ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")), loopback=True)
    with pytest.raises(OutboundRefused, match="never fetched"):
        fetch("http://169.254.169.254/latest/meta-data/", policy=policy)


def test_one_forbidden_address_among_good_ones_refuses_the_name() -> None:
    with pytest.raises(OutboundRefused, match=r"two\.example is 169\.254\.169\.254"):
        check_addresses("two.example", ["8.8.8.8", "169.254.169.254"], OutboundPolicy())
    with pytest.raises(OutboundRefused, match="no address"):
        check_addresses("none.example", [], OutboundPolicy())


def test_the_address_that_was_checked_is_the_one_connected_to(serve) -> None:
    """A name server that flips its answer after the check gains nothing: there is only one look-up."""
    served = serve(lambda handler: reply(handler, b"fine"))
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])

    async def run() -> bytes:
        async with OutboundClient(HERE, resolve=lambda host, port: next(answers)) as client:
            return (await client.get(f"http://flipping.example:{served.port}/x")).body

    assert asyncio.run(run()) == b"fine"
    assert next(answers) == ["169.254.169.254"]
    assert served.requests[0][1]["host"] == f"flipping.example:{served.port}"


def test_a_name_that_turns_to_an_inner_address_is_refused_on_the_next_connection(serve) -> None:
    served = serve(lambda handler: reply(handler, b"fine", Connection="close"))
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])

    async def run() -> None:
        async with OutboundClient(HERE, resolve=lambda host, port: next(answers)) as client:
            await client.get(f"http://flipping.example:{served.port}/")
            with pytest.raises(OutboundRefused, match="never fetched"):
                await client.get(f"http://flipping.example:{served.port}/")

    asyncio.run(run())


def test_the_next_address_is_tried_when_one_does_not_answer(serve) -> None:
    served = serve(lambda handler: reply(handler, b"fine"))

    async def run() -> int:
        async with OutboundClient(HERE, resolve=lambda host, port: ["127.0.0.9", "127.0.0.1"]) as client:
            return (await client.get(f"http://two.example:{served.port}/")).status

    assert asyncio.run(run()) == 200


def test_a_redirect_is_shown_and_not_followed(serve) -> None:
    served = serve(lambda handler: reply(handler, b"", status=302, Location="http://169.254.169.254/"))
    assert fetch(served.url, policy=HERE).status == 302
    with pytest.raises(OutboundFailed, match="redirect, which is not followed"):
        download(served.url, Path("/dev/null"), policy=HERE, limits=OutboundLimits())
    assert len(served.requests) == 2


def test_a_proxy_of_the_environment_is_not_used(serve, monkeypatch) -> None:
    served = serve(lambda handler: reply(handler, b"direct"))
    proxy = serve(lambda handler: reply(handler, b"proxied"))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy.url)
    assert fetch(served.url, policy=HERE).body == b"direct"
    assert proxy.requests == []


def test_gzip_is_unpacked_whole(serve) -> None:
    text = b"metric 1\n" * 50_000
    served = serve(
        lambda handler: reply(handler, gzip.compress(text[:1000]) + gzip.compress(text[1000:]), Content_Encoding="gzip")
    )
    response = fetch(served.url, policy=HERE)
    assert response.body == text
    assert response.wire_bytes < len(text) / 10


def test_a_gzip_bomb_stops_at_the_limit(serve) -> None:
    bomb = gzip.compress(bytes(300 * 1024**2))
    served = serve(lambda handler: reply(handler, bomb, Content_Encoding="gzip"))
    with pytest.raises(OutboundFailed, match="over the limit of 1048576 bytes when decompressed"):
        fetch(served.url, policy=HERE, limits=OutboundLimits(decoded_bytes=1024**2))


@pytest.mark.parametrize(
    ("body", "encoding", "sentence"),
    [
        (b"no gzip at all", "gzip", "broken gzip"),
        (gzip.compress(b"metric 1\n" * 100)[:-9], "gzip", "cut off"),
        (b"whatever", "br", "'br', which was not asked for"),
    ],
)
def test_a_broken_encoding_is_named(serve, body: bytes, encoding: str, sentence: str) -> None:
    served = serve(lambda handler: reply(handler, body, Content_Encoding=encoding))
    with pytest.raises(OutboundFailed, match=sentence):
        fetch(served.url, policy=HERE)


def test_a_body_over_the_limit_is_not_read_to_its_end(serve) -> None:
    def endless(handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            try:
                handler.wfile.write(bytes(65536))
            except OSError:
                return

    with pytest.raises(OutboundFailed, match="over the limit of 100000 bytes"):
        fetch(serve(endless).url, policy=HERE, limits=OutboundLimits(wire_bytes=100_000))


def test_a_server_that_drips_is_cut_off_by_the_clock(serve) -> None:
    def drip(handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(200):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return
            time.sleep(0.05)

    with pytest.raises(OutboundFailed, match=r"no complete answer within 0\.3 s"):
        fetch(serve(drip).url, policy=HERE, limits=OutboundLimits(seconds=0.3))


def test_a_closed_port_and_an_unknown_name_are_failures_with_a_sentence() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(OutboundFailed, match="connection failed"):
        fetch(f"http://127.0.0.1:{port}/", policy=HERE)

    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    async def run() -> None:
        async with OutboundClient(HERE, resolve=unknown) as client:
            await client.get("http://nowhere.example/")

    with pytest.raises(OutboundFailed, match=r"nowhere\.example cannot be resolved: Name or service not known"):
        asyncio.run(run())


def test_tls_is_verified_against_the_name_and_not_the_address(serve, tmp_path, monkeypatch) -> None:
    certificate = _certificate("metrics.example", tmp_path)
    served = serve(lambda handler: reply(handler, b"sealed"))
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate)
    served.server.socket = server_side.wrap_socket(served.server.socket, server_side=True)
    trusting = ssl.create_default_context(cafile=certificate)
    monkeypatch.setattr(outbound, "tls_context", lambda: trusting)

    async def get(host: str) -> bytes:
        async with OutboundClient(HERE, resolve=lambda *_: ["127.0.0.1"]) as client:
            return (await client.get(f"https://{host}:{served.port}/")).body

    assert asyncio.run(get("metrics.example")) == b"sealed"
    with pytest.raises(OutboundFailed, match="certificate"):
        asyncio.run(get("other.example"))


def _certificate(name: str, folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_the_policy_comes_from_the_settings(settings) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["10.0.0.0/8", "fd00::/8"]
    policy = configured_policy()
    assert [str(network) for network in policy.networks] == ["10.0.0.0/8", "fd00::/8"]
    assert policy.loopback is False
    settings.OUTBOUND_ALLOWED_NETWORKS = ["10.0.0.1/8"]
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        configured_policy()
