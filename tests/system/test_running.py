"""What one running `belvedere up` answers."""

import os
import stat

import httpx

from tests.system.server import Server, eventually


def test_the_set_up_link_opens_without_a_login(running: Server) -> None:
    (link,) = [line.split()[-1] for line in running.said.splitlines() if line.startswith("Set-up link:")]
    answer = httpx.get(link)
    assert answer.status_code == 200
    assert "<form" in answer.text


def test_probes_answer_without_a_login(running: Server) -> None:
    assert httpx.get(f"{running.url}/healthz").json() == {"status": "ok"}
    answer = httpx.get(f"{running.url}/readyz")
    assert answer.status_code == 200
    assert set(answer.json()["checks"]) == {"database", "store", "worker"}


def test_probes_answer_whatever_host_they_are_asked_by(running: Server) -> None:
    assert httpx.get(f"{running.url}/readyz", headers={"Host": "10.0.0.7:8000"}).status_code == 200
    assert httpx.get(f"{running.url}/login", headers={"Host": "10.0.0.7:8000"}).status_code == 400


def test_a_page_needs_a_login(running: Server) -> None:
    answer = httpx.get(running.url)
    assert answer.status_code == 302
    assert answer.headers["location"] == "/login"


def test_static_files_come_compressed_and_may_be_kept_for_ever(running: Server) -> None:
    page = httpx.get(f"{running.url}/login").text
    path = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = httpx.get(running.url + path, headers={"Accept-Encoding": "br"})
    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "br"
    assert "immutable" in answer.headers["cache-control"]


def test_every_answer_names_its_request(running: Server) -> None:
    answer = httpx.get(f"{running.url}/login")
    eventually(lambda: f'"request_id": "{answer.headers["x-request-id"]}"' in running.events)


def test_a_second_server_on_the_directory_is_refused_with_a_sentence(running: Server) -> None:
    assert running.process is not None
    second = running.command("up", "--listen", "127.0.0.1:0")
    assert second.returncode == 1
    expected = f"`belvedere up` (process {running.process.pid} on {running.url}) already uses {running.data}"
    assert expected in second.stderr


def test_the_directory_and_what_is_secret_in_it_are_for_the_owner_only(running: Server) -> None:
    for name in ("", "secret.key", "belvedere.sqlite3", "control.sock", "LOCK"):
        mode = stat.S_IMODE(os.stat(running.data / name).st_mode)
        assert mode & 0o077 == 0, f"{name} has mode {mode:o}"


def test_a_command_that_needs_the_store_travels_to_the_server(running: Server) -> None:
    done = running.command("status", "--json")
    assert done.returncode == 0, done.stderr
    assert '"ready": true' in done.stdout
    logs = running.command("logs")
    assert logs.returncode == 0, logs.stderr


def test_a_command_that_needs_the_database_only_works_beside_the_server(running: Server) -> None:
    made = running.command("token", "create", "--name", "ci", "--scopes", "query")
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    assert token.startswith("bv_")
    assert "\n" not in token
    answer = httpx.get(
        f"{running.url}/api/v1/query", params={"query": "1"}, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200


def test_a_mistake_in_a_travelling_command_is_a_sentence_and_a_status(running: Server) -> None:
    done = running.command("logs", "--since", "soon")
    assert done.returncode == 1
    assert done.stderr == "belvedere logs: --since 'soon' is not a time such as 30s, 15m, 1h or 7d\n"


def test_belvedere_sees_itself_within_the_first_minute(running: Server) -> None:
    eventually(lambda: running.get("/api/v1/query", params={"query": 'up{job="belvedere"}'}).json()["data"]["result"])
    eventually(lambda: "command" in running.command("logs").stdout)
    listed = eventually(
        lambda: running.get("/api/services").text if "belvedere" in running.get("/api/services").text else ""
    )
    assert '"belvedere"' in listed
