"""The journey through the Logs page: search, facet, zoom, a record and what is around it, live, export, patterns."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.person import set_up
from tests.browser.server import Running, running

pytestmark = pytest.mark.browser

TRACE = "Traceback (most recent call last):\n  File \"shop/cart.py\", line 3, in total\n    x\nKeyError: 'sku'"
SHOWN_WITHIN_MS = 10_000
"""Generous: this test shows that the row comes by itself; how fast is measured elsewhere."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("logs")
    with running(folder / "data", folder / "errors.log") as started:
        yield started


@pytest.fixture(scope="module")
def page(server: Running, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    set_up(opened, server.setup_link, "ada")
    send(server, [{"event": f"order {number} placed", "status": 200, "level": "info"} for number in range(40)])
    send(server, [{"event": "payment refused", "status": 500, "level": "error", "exception": TRACE}])
    send(server, [{"event": "<b>bold</b> \x1b[31mred", "level": "info"}])
    yield opened
    context.close()


def send(server: Running, records: list[dict[str, object]]) -> None:
    answer = httpx.post(
        f"{server.url}/api/logs?service=shop",
        content="\n".join(map(json.dumps, records)),
        headers={"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"},
    )
    assert answer.status_code == 200, answer.text


def open_logs(server: Running, page: Page, query: str = "service=shop&from=now-15m") -> None:
    page.goto(f"{server.url}/logs?{query}")
    page.evaluate("localStorage.setItem('belvedere.refresh-seconds', '0')")


def test_words_narrow_the_records(server: Running, page: Page) -> None:
    open_logs(server, page)
    page.locator("#log-text").fill('placed -"order 7"')
    page.keyboard.press("Enter")
    page.wait_for_url("**q=placed**")
    assert page.locator("#log-total").inner_text() == "39"


def test_logql_is_understood_completed_and_its_mistakes_are_pointed_at(server: Running, page: Page) -> None:
    stream = {"stream": {"service_name": "payments"}, "values": [[str(time.time_ns()), "card 1 declined"]]}
    answer = httpx.post(
        f"{server.url}/loki/api/v1/push",
        json={"streams": [stream]},
        headers={"Authorization": f"Bearer {server.token}"},
    )
    assert answer.status_code == 204, answer.text
    open_logs(server, page, "from=now-15m")
    bar = page.locator("#log-text")
    bar.press_sequentially('{service_name="pay')
    page.locator(".completions li", has_text="payments").click()
    bar.press_sequentially('"} |= "declined"')
    bar.press("Enter")
    page.wait_for_url("**declined**")
    expect(page.locator("#log-understood")).to_contain_text("LogQL")
    assert page.locator("#log-total").inner_text() == "1"
    page.goto(f"{server.url}/logs?q=%7Bservice_name%3D")
    expect(page.locator("pre.pointer")).to_contain_text("^")


def test_a_field_narrows_them_with_one_click(server: Running, page: Page) -> None:
    open_logs(server, page)
    page.locator("#log-facets a.facet__value", has_text="500").click()
    page.wait_for_url("**field=status%3D500**")
    assert page.locator("#log-total").inner_text() == "1"
    page.locator(".chip", has_text="status=500").click()
    page.wait_for_url(lambda url: "status" not in url)


def test_keys_zoom_out(server: Running, page: Page) -> None:
    open_logs(server, page)
    page.locator("body").press("z")
    page.wait_for_url("**from=now-30m**")


def test_keys_move_and_open_a_record_with_its_surroundings(server: Running, page: Page) -> None:
    open_logs(server, page, "service=shop&from=now-15m&q=payment")
    page.locator("body").press("j")
    page.keyboard.press("x")
    expect(page.locator(".record__fields")).to_contain_text("KeyError")
    page.get_by_role("button", name="Lines around it").click()
    expect(page.locator(".records--context")).to_contain_text("placed")
    page.locator(".records--context").locator("xpath=ancestor::li").locator("> .record__time").press("x")
    expect(page.locator(".record__fields")).to_have_count(0)


def test_a_record_shows_up_by_itself_and_live_can_be_paused(server: Running, page: Page) -> None:
    open_logs(server, page)
    live = page.locator("[data-live]")
    page.locator("body").press("l")
    expect(live).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#log-live")).to_contain_text("Live")
    send(server, [{"event": "just now & here", "level": "warning"}])
    expect(page.locator("#records .record").first).to_contain_text("just now & here", timeout=SHOWN_WITHIN_MS)
    page.locator("body").press(" ")
    expect(live).to_have_attribute("aria-pressed", "false")
    send(server, [{"event": "while paused"}])
    time.sleep(1.5)
    assert page.locator("#records", has_text="while paused").count() == 0


def test_markup_and_escape_codes_are_text(server: Running, page: Page) -> None:
    open_logs(server, page, "service=shop&from=now-15m&q=bold")
    body = page.locator("#records .record__body").first
    expect(body).to_contain_text("<b>bold</b>")
    expect(body.locator(".control")).to_have_text("⟨ESC⟩")


def test_the_table_shows_chosen_fields(server: Running, page: Page) -> None:
    open_logs(server, page, "service=shop&from=now-15m&view=table&col=status&q=refused")
    assert page.locator(".log-table tbody td[data-label=status]").inner_text() == "500"


def test_an_export_holds_every_record(server: Running, page: Page) -> None:
    send(server, [{"event": f"bulk {number}"} for number in range(1300)])
    open_logs(server, page, "service=shop&from=now-15m&q=bulk")
    with page.expect_download() as waiting:
        page.locator("summary", has_text="Export").click()
        page.get_by_text("JSON lines", exact=True).click()
    lines = waiting.value.path().read_text().splitlines()
    assert len({json.loads(line)["body"] for line in lines}) == 1300


def test_a_search_is_saved_and_found_again(server: Running, page: Page) -> None:
    open_logs(server, page, "service=shop&from=now-15m&q=refused")
    page.locator("summary", has_text="Searches").click()
    page.locator("#search-name").fill("refused payments")
    page.get_by_role("button", name="Save this search").click()
    page.wait_for_url("**q=refused**")
    open_logs(server, page)
    page.locator("summary", has_text="Searches").click()
    page.get_by_role("link", name="refused payments").click()
    page.wait_for_url("**q=refused**")


def test_a_pattern_leads_to_its_lines(server: Running, page: Page) -> None:
    page.goto(f"{server.url}/logs/patterns?service=shop&from=now-15m")
    page.locator("a.pattern", has_text="order").click()
    page.wait_for_url("**pattern=**")
    assert page.locator("#log-total").inner_text() == "40"


def test_an_error_is_resolved_and_that_is_undone(server: Running, page: Page) -> None:
    page.goto(f"{server.url}/logs/errors?service=shop&from=now-15m")
    row = page.locator(".errors tbody tr", has_text="KeyError")
    row.get_by_role("button", name="Resolve").click()
    expect(page.locator(".errors tbody tr", has_text="KeyError")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".errors tbody tr", has_text="KeyError")).to_have_count(1)


@pytest.mark.parametrize(
    "path", ["/logs", "/logs?view=table&col=status&col=exception", "/logs/patterns", "/logs/errors"]
)
def test_nothing_is_wider_than_a_phone(server: Running, page: Page, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"{server.url}{path}")
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.set_viewport_size({"width": 1440, "height": 900})
    assert wider <= 0
