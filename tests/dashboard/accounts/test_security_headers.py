"""Headers of pages, and the production settings that Django's own check judges."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from dashboard.accounts.headers import content_policy
from tests.dashboard.people import client_of, make_enrolled

ROOT = Path(__file__).resolve().parents[3]

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; "
    "style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "object-src 'none'; manifest-src 'self'"
)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/login", "/account", "/no-such-page", "/static/no-such-file.css"])
def test_every_answer_carries_the_headers(address: str) -> None:
    response = client_of(make_enrolled()).get(address)
    assert response.headers["Content-Security-Policy"] == CONTENT_POLICY
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in response.headers["Permissions-Policy"]


def test_a_cdn_may_serve_static_files_and_nothing_else() -> None:
    policy = content_policy("https://cdn.example/static/")
    assert "script-src 'self' https://cdn.example;" in policy
    assert "connect-src 'self';" in policy
    assert content_policy("/static/") == CONTENT_POLICY


@pytest.mark.django_db
def test_cookies_are_closed_to_scripts_and_other_sites(client: Client) -> None:
    person = make_enrolled()
    client.get("/login")
    client.post("/login", {"username": "admin", "password": person.password})
    client.post("/login/factor", {"code": person.code()})
    assert set(client.cookies) == {"belvedere", "belvedere-csrf", "belvedere-known"}
    for cookie in client.cookies.values():
        assert cookie["httponly"]
        assert cookie["samesite"] in ("Lax", "Strict")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "dashboard.settings", **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def production(tmp_path: Path) -> dict[str, str]:
    return {
        "BELVEDERE_PUBLIC_URL": "https://belvedere.example",
        "BELVEDERE_ALLOWED_HOSTS": "belvedere.example",
        "BELVEDERE_DATA": str(tmp_path),
    }


def test_the_deployment_check_is_clean_in_production_settings(tmp_path: Path) -> None:
    done = run("manage.py", "check", "--deploy", "--fail-level", "INFO", **production(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_https_makes_cookies_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    script = (
        "from django.conf import settings as s;"
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE,"
        "s.SECURE_HSTS_SECONDS >= 31536000, s.SECURE_SSL_REDIRECT, s.DEBUG)"
    )
    done = run("-c", script, **production(tmp_path))
    assert done.stdout.split() == ["__Host-belvedere", "__Host-belvedere-csrf", *["True"] * 4, "False"], done.stderr
