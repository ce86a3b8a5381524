"""A new user's way: set-up link, second factor, every page in light and dark, wide and narrow, out and in again."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.person import Authenticator, set_up, sign_in
from tests.browser.server import Running

pytestmark = pytest.mark.browser

PAGES = (
    "/", "/metrics-explorer", "/logs", "/scaling", "/cost", "/security", "/settings", "/settings/senders",
    "/settings/targets", "/settings/services", "/settings/mapping", "/settings/rules", "/settings/tokens",
    "/settings/advisories", "/settings/users", "/settings/audit-trail", "/settings/health", "/account",
    "/services/belvedere",
)  # fmt: skip


class Witness:
    """Everything that went wrong in a page, as its console and its responses tell."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "response",
            lambda answer: answer.status >= 400 and self.complaints.append(f"{answer.status} {answer.url}"),
        )


@pytest.fixture(scope="module")
def administrator(server: Running, browser: Browser) -> Iterator[tuple[BrowserContext, Authenticator, list[str]]]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    phone, codes = set_up(page, server.setup_link, "ada")
    page.close()
    yield context, phone, codes
    context.close()


def test_nobody_sees_a_page_without_signing_in(server: Running) -> None:
    for path in PAGES:
        assert httpx.get(f"{server.url}{path}").headers.get("location", "").startswith("/login"), path


def test_the_set_up_link_works_once(
    server: Running, administrator: tuple[BrowserContext, Authenticator, list[str]]
) -> None:
    answer = httpx.get(server.setup_link)
    assert "password" not in answer.text.lower() or answer.status_code >= 400


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_is_whole(
    server: Running,
    administrator: tuple[BrowserContext, Authenticator, list[str]],
    scheme: str,
    width: int,
) -> None:
    page = administrator[0].new_page()
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    witness = Witness(page)
    for path in PAGES:
        answer = page.goto(f"{server.url}{path}", wait_until="load")
        assert answer is not None
        assert answer.status == 200, path
        assert page.locator("h1").count() == 1, path
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{path} is {wider} px wider than the screen"
        assert witness.complaints == [], path
    page.close()


def test_markup_in_a_log_line_is_text(
    server: Running, administrator: tuple[BrowserContext, Authenticator, list[str]]
) -> None:
    line = '<img src=x onerror="alert(1)"> <script>alert(2)</script>'
    answer = httpx.post(
        f"{server.url}/api/logs?service=markup",
        content=f'{{"event": {line!r}, "level": "error"}}'.replace("'", '"').replace('="alert(1)"', "=alert(1)"),
        headers={"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"},
    )
    assert answer.status_code in (200, 204), answer.text
    page = administrator[0].new_page()
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
    witness = Witness(page)
    page.goto(f"{server.url}/logs?service=markup&from=now-1h")
    assert page.get_by_text("<script>alert(2)</script>").count() >= 1
    assert witness.complaints == []
    page.close()


def test_out_and_in_again_with_a_recovery_code_once(
    server: Running, browser: Browser, administrator: tuple[BrowserContext, Authenticator, list[str]]
) -> None:
    _, _, codes = administrator
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, server.url, "ada", codes[0])
    page.wait_for_url(f"{server.url}/")
    page.goto(f"{server.url}/account")
    page.locator("form[action='/logout'] button").first.dispatch_event("click")
    page.wait_for_url("**/login**")
    sign_in(page, server.url, "ada", codes[0])
    assert page.locator("input[name=code]").count() == 1, "a recovery code worked twice"
    context.close()


def test_in_again_with_the_authenticator(
    server: Running, browser: Browser, administrator: tuple[BrowserContext, Authenticator, list[str]]
) -> None:
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, server.url, "ada", administrator[1].code())
    page.wait_for_url(f"{server.url}/")
    context.close()
