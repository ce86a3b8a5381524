"""A server that people reach by another address than its own, behind a proxy that speaks TLS."""

import httpx

from tests.system.server import Server, eventually


def test_it_answers_to_its_public_name_and_still_watches_itself(server: Server) -> None:
    server.settings = {
        "BELVEDERE_PUBLIC_URL": "https://belvedere.example.org",
        "BELVEDERE_TRUSTED_PROXIES": "127.0.0.1",
    }
    server.start()
    assert "Belvedere listens on https://belvedere.example.org" in server.said
    by_proxy = {"Host": "belvedere.example.org", "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
    assert httpx.get(f"{server.url}/login", headers=by_proxy).status_code == 200
    assert httpx.get(f"{server.url}/login").status_code == 301
    assert httpx.get(f"{server.url}/login", headers=by_proxy | {"Host": "evil.example"}).status_code == 400
    query = {"query": 'up{job="belvedere"}'}
    eventually(
        lambda: (
            [
                sample["value"][1]
                for sample in httpx.get(
                    f"{server.url}/api/v1/query",
                    params=query,
                    headers=by_proxy | {"Authorization": f"Bearer {server.token}"},
                ).json()["data"]["result"]
            ]
            == ["1"]
        )
    )
