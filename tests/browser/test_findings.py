"""The journey through the findings: move and choose by keys, decide about several, take it back."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.person import set_up
from tests.browser.server import Running, running

pytestmark = pytest.mark.browser

AUDIT = {
    "dependencies": [
        {"name": "jinja2", "version": "2.10", "vulns": [{"id": "PYSEC-1", "aliases": [], "fix_versions": ["3.0"]}]}
    ]
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("findings")
    with running(folder / "data", folder / "errors.log") as started:
        yield started


@pytest.fixture(scope="module")
def page(server: Running, browser: Browser) -> Iterator[Page]:
    for service in ("shop", "till", "web"):
        answer = httpx.post(
            f"{server.url}/api/audits?service={service}",
            json=AUDIT,
            headers={"Authorization": f"Bearer {server.token}"},
        )
        assert answer.status_code == 201, answer.text
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    set_up(opened, server.setup_link, "ada")
    opened.goto(f"{server.url}/security?package=jinja2")
    yield opened
    context.close()


def test_findings_are_chosen_by_keys_decided_together_and_taken_back(page: Page) -> None:
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("[data-chosen]")).to_have_text("2 chosen")
    page.keyboard.press("e")
    expect(page.locator("#d-give")).to_be_focused()
    expect(page.locator("#d-condition")).to_be_hidden()
    page.select_option("#d-give", "accepted")
    expect(page.locator("#d-condition")).to_be_visible()
    page.select_option("#d-give", "false_positive")
    page.fill("#d-reason", "the package is not imported")
    page.locator("#d-reason").press("Enter")
    expect(page.locator("[data-vanish]")).to_contain_text("2 findings decided")
    expect(page.locator("tr[data-finding]")).to_have_count(1)
    page.locator("[data-vanish] button").click()
    expect(page.locator("tr[data-finding]")).to_have_count(3)
    expect(page.locator("body")).to_contain_text("2 findings as before")


def test_every_factor_of_a_rank_is_shown_and_can_be_left_out(page: Page) -> None:
    page.locator(".rank summary").first.click()
    expect(page.locator(".rank li").first).to_be_visible()
    assert page.locator("details.rank[open] li").count() == 7
    page.get_by_role("link", name="exposure").click()
    page.locator(".rank summary").first.click()
    expect(page.locator("details.rank[open]")).to_contain_text("(left out)")
