"""Syslog through real sockets: `logger` of util-linux, TLS, a busy store, a killed process."""

import shutil
import socket
import ssl
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator

import pytest

from collectors.receivers import syslog
from collectors.receivers.syslog import SyslogPart, SyslogSettings
from telemetry.model.errors import InvalidInput, StoreBusy
from telemetry.store import TelemetryStore
from tests.collectors.receivers.pushes import stored_logs
from tests.telemetry.conftest import ROOT

HERE = "127.0.0.1:0"


@pytest.fixture
def part(store: TelemetryStore) -> Iterator[SyslogPart]:
    part = SyslogPart(SyslogSettings(udp=HERE, tcp=HERE, networks=("127.0.0.0/8",)))
    part.start()
    yield part
    assert part.stop(10)


def bodies(store: TelemetryStore, count: int) -> list[str]:
    """Bodies of all records once there are `count` of them."""
    deadline = time.monotonic() + 20
    while len(found := stored_logs(store)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return sorted(record.body for record in found)


def send(port: int, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(data)


@pytest.mark.parametrize("arguments", [["--tcp"], ["--udp"], ["--tcp", "--octet-count"], ["--tcp", "--rfc3164"]])
def test_logger_of_util_linux_is_understood(part: SyslogPart, store: TelemetryStore, arguments: list[str]) -> None:
    if shutil.which("logger") is None:
        pytest.skip("logger is not installed")
    port = str(part.ports["udp" if "--udp" in arguments else "tcp"])
    command = ["logger", "-n", "127.0.0.1", "-P", port, *arguments, "-t", "shop", "-p", "local0.err", "paid é <b>"]
    subprocess.run(command, check=True, timeout=20)
    assert bodies(store, 1) == ["paid é <b>"]
    (record,) = stored_logs(store)
    assert (dict(record.stream)["service"], record.severity_number) == ("shop", 17)
    assert record.attributes["facility"] == "local0"


def test_frames_of_both_kinds_share_a_connection(part: SyslogPart, store: TelemetryStore) -> None:
    send(part.ports["tcp"], b"<14>one\n10 <14>two\nix<14>three\n<14>without an end")
    assert bodies(store, 4) == sorted(["one", "two\nix", "three", "without an end"])


def test_what_was_read_is_written_when_the_process_stops(store: TelemetryStore) -> None:
    part = SyslogPart(SyslogSettings(tcp=HERE))
    part.start()
    send(part.ports["tcp"], b"".join(b"<14>line %d\n" % number for number in range(500)))
    time.sleep(0.2)
    assert part.stop(10)
    assert len(stored_logs(store)) == 500


def test_a_busy_store_loses_no_line_of_tcp(
    part: SyslogPart, store: TelemetryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syslog, "_RETRY_SECONDS", 0.01)
    write, refused = store.write_logs, []

    def busy(*arguments, **named):
        if len(refused) < 5:
            refused.append(1)
            raise StoreBusy("the queue is full")
        return write(*arguments, **named)

    monkeypatch.setattr(store, "write_logs", busy)
    send(part.ports["tcp"], b"".join(b"<14>line %03d\n" % number for number in range(100)))
    assert bodies(store, 100) == [f"line {number:03}" for number in range(100)]
    assert len(refused) == 5


def test_other_networks_are_not_listened_to(store: TelemetryStore) -> None:
    part = SyslogPart(SyslogSettings(tcp=HERE, networks=("10.0.0.0/8",)))
    part.start()
    before = syslog.DROPPED.labels("tcp", "network")._value.get()
    with socket.create_connection(("127.0.0.1", part.ports["tcp"])) as connection:
        assert connection.recv(1) == b""
    assert part.stop(10)
    assert syslog.DROPPED.labels("tcp", "network")._value.get() == before + 1
    assert stored_logs(store) == []


def test_tls_is_spoken(store: TelemetryStore, tmp_path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    pem = tmp_path / "pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    subprocess.run([*made, *subject, "-keyout", tmp_path / "key", "-out", pem], check=True, capture_output=True)
    settings = SyslogSettings(tls=HERE, tls_certificate=str(pem), tls_key=str(tmp_path / "key"))
    part = SyslogPart(settings)
    part.start()
    context = ssl.create_default_context(cafile=str(pem))
    with (
        socket.create_connection(("127.0.0.1", part.ports["tls"])) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(b"<14>secret\n")
    assert bodies(store, 1) == ["secret"]
    assert part.stop(10)


@pytest.mark.parametrize("wrong", [{"tcp": "nowhere"}, {"tls": HERE}, {"tcp": HERE, "networks": ("x",)}])
def test_a_wrong_setting_is_named_at_the_start(wrong) -> None:
    with pytest.raises(InvalidInput):
        SyslogPart(SyslogSettings(**wrong)).start()


def test_a_killed_process_loses_no_line_that_it_took(tmp_path) -> None:
    script = textwrap.dedent("""
        import sys
        from collectors.receivers.syslog import SyslogPart, SyslogSettings
        from telemetry.store import StoreSettings, TelemetryStore, set_current
        from tests.conftest import service_of
        settings = StoreSettings(log_insert_seconds=3600)
        set_current(TelemetryStore.open(sys.argv[1], settings, resolve_service=service_of))
        part = SyslogPart(SyslogSettings(tcp="127.0.0.1:0"))
        part.start()
        print(part.ports["tcp"], flush=True)
        from collectors.receivers.syslog import MESSAGES, WAITING
        import time
        while not MESSAGES.labels("tcp")._value.get() >= 3000 or WAITING._value.get():
            time.sleep(0.01)
        print("taken", flush=True)
        time.sleep(60)
    """)
    url = f"chdb://{tmp_path}/data"
    process = subprocess.Popen([sys.executable, "-c", script, url], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "syslog listens" in process.stdout.readline()
    send(int(process.stdout.readline()), b"".join(b"<14>line %d\n" % number for number in range(3000)))
    assert process.stdout.readline() == "taken\n"
    process.kill()
    process.wait()
    check = textwrap.dedent("""
        import sys
        from telemetry.store import StoreSettings, TelemetryStore
        from tests.conftest import service_of
        store = TelemetryStore.open(sys.argv[1], StoreSettings(), resolve_service=service_of)
        print(store.engine.rows("SELECT count(), uniqExact(body) FROM log_records"))
        store.close()
    """)
    found = subprocess.run([sys.executable, "-c", check, url], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.stdout.strip() == "[(3000, 3000)]", found.stderr
