"""What the scripts of the pages do, in a real browser against a real server."""

import json
import shutil
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.person import set_up
from tests.browser.server import Running, running

pytestmark = pytest.mark.browser

CHROMIUM = next((path for name in ("chromium-headless-shell", "chromium") if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install chromium-headless-shell")
    folder = tmp_path_factory.mktemp("front-end")
    with running(folder / "data", folder / "errors.log") as started:
        push(started, "shop", *(f"record {number}" for number in range(30)))
        yield started


@pytest.fixture(scope="module")
def signed_in(server: Running) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        set_up(page, server.setup_link, "ada")
        yield page
        browser.close()


@pytest.fixture
def page(signed_in: Page, server: Running) -> Iterator[Page]:
    complaints: list[str] = []
    listener = lambda error: complaints.append(str(error))  # noqa: E731 - removed again below
    signed_in.on("pageerror", listener)
    yield signed_in
    signed_in.remove_listener("pageerror", listener)
    assert complaints == []


def push(server: Running, service: str, *lines: str) -> None:
    now = time.time_ns()
    values = [[str(now - (len(lines) - place) * 10**6), line] for place, line in enumerate(lines)]
    answer = httpx.post(
        f"{server.url}/loki/api/v1/push",
        json={"streams": [{"stream": {"service_name": service, "level": "info"}, "values": values}]},
        headers={"Authorization": f"Bearer {server.token}"},
    )
    assert answer.status_code == 204, answer.text


def open_when_known(page: Page, url: str) -> None:
    """Go to a service's page; one that just sent its first record is discovered within seconds."""
    deadline = time.monotonic() + 60
    while (response := page.goto(url)) is None or response.status == 404:
        assert time.monotonic() < deadline, f"{url} is not there after a minute"
        page.wait_for_timeout(500)


def of_module(page: Page, module: str, expression: str, argument: Any) -> Any:
    """Value of a JavaScript expression of `m`, the module, and `a`, the argument."""
    return page.evaluate(
        f"async (a) => {{ const m = await import('/static/js/{module}'); return {expression}; }}", argument
    )


def test_the_palette_finds_a_page_by_a_few_letters(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/?from=now-3h")
    page.keyboard.press("Control+k")
    page.keyboard.type("lgs")
    expect(page.locator(".palette__item[aria-selected=true]")).to_contain_text("Logs")
    page.keyboard.press("Enter")
    page.wait_for_url("**/logs?from=now-3h")


def test_single_keys_go_to_pages_unless_they_are_switched_off(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/logs")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url(f"{server.url}/")
    page.keyboard.press("?")
    page.locator("[data-single-keys]").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).not_to_be_visible()
    page.evaluate("localStorage.clear()")


def test_keys_do_nothing_while_someone_types(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/logs")
    page.locator("#log-text").press_sequentially("go?z")
    expect(page.locator("#log-text")).to_have_value("go?z")
    expect(page).to_have_url(f"{server.url}/logs")


def test_the_theme_changes_at_once_and_stays(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/")
    light = page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor")
    page.locator(".user-menu summary").click()
    with page.expect_response("**/shell/theme"):
        page.locator("[data-theme-form] button[value=dark]").click()
    assert page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor") != light
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_figure_is_drawn_and_has_a_table_with_the_same_numbers(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/logs?service=shop&from=now-15m")
    figure = page.locator("[data-figure=log-histogram]")
    expect(figure).to_have_attribute("data-state", "drawn")
    assert figure.locator(".main-svg").count() >= 1
    page.locator("[data-figure-tools=log-histogram] [data-figure-table]").click()
    cells = page.locator(".figure__table td").all_inner_texts()
    assert sum(int(text) for text in cells if text.isdigit()) == 30
    page.locator("[data-figure-tools=log-histogram] [data-figure-table]").click()
    expect(figure).to_be_visible()


def test_a_record_opens_below_its_row_and_closes(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/logs?service=shop&from=now-1h")
    row = page.locator("#records .record").first
    row.locator(".record__body").click()
    expect(row.locator(".record__fields")).to_contain_text("service_name")
    row.locator(".record__time").click()
    expect(row.locator(".record__fields")).to_have_count(0)


def test_live_records_appear_until_they_are_paused(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/logs?service=live&from=now-1h")
    button = page.locator("[data-live]")
    button.click()
    push(server, "live", "hello live")
    expect(page.locator("#records")).to_contain_text("hello live", timeout=15_000)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")


def test_a_query_is_completed_and_run_from_the_keyboard(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/metrics-explorer")
    area = page.locator("#query-1")
    area.press_sequentially("histogram_qu")
    expect(page.locator(".completions li").first).to_contain_text("histogram_quantile")
    area.press("Tab")
    expect(area).to_have_value("histogram_quantile")
    area.fill("1 + 1")
    area.press("Enter")
    page.wait_for_url("**/metrics-explorer?q=1*")
    expect(page.locator("[data-figure=query-figure-1]")).to_have_attribute("data-state", "drawn")


def test_a_refresh_brings_new_numbers_without_loading_the_page(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/logs?service=fresh&from=now-1h")
    page.evaluate("window.stillHere = true")
    push(server, "fresh", "newly arrived")
    page.locator("[data-reload]").click()
    expect(page.locator("#log-records")).to_contain_text("newly arrived")
    assert page.evaluate("window.stillHere")


def test_commands_can_be_copied(page: Page, server: Running) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{server.url}/logs?service=nobody&from=2001-01-01&to=2001-01-02&q=")
    open_when_known(page, f"{server.url}/services/shop")
    command = page.locator(".command").first
    command.locator("button").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl")
    assert copied in command.inner_text()


def test_a_time_range_is_copied_with_absolute_times_and_pasted(page: Page, server: Running) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{server.url}/logs?from=now-2h")
    page.keyboard.press("t")
    page.keyboard.press("c")
    expect(page.locator(".toasts")).to_contain_text("Time range copied")
    page.goto(f"{server.url}/scaling")
    page.keyboard.press("t")
    page.keyboard.press("v")
    page.wait_for_url("**/scaling?from=20*")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from=now-1h&to=now", ["now-1h", "now"]),
        ("https://x.example/logs?q=a&from=1700000000", ["1700000000", "now"]),
        ("2026-11-22 10:00 to 2026-11-22 12:00", ["2026-11-22 10:00", "2026-11-22 12:00"]),
        ("now-2h, now-1h", ["now-2h", "now-1h"]),
        ("hello", None),
    ],
)
def test_a_pasted_range_is_read(page: Page, server: Running, text: str, expected: list[str] | None) -> None:
    page.goto(f"{server.url}/")
    assert of_module(page, "range.js", "m.readRange(a)", text) == expected


def test_csv_of_a_figure_quotes_what_a_spreadsheet_would_calculate(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/")
    rows = [["=1+1", 'say "hi"'], [-2.5, None], ["-x", "a,b"]]
    text = of_module(page, "csv.js", "m.csvText(a)", rows)
    assert text == '\'=1+1,"say ""hi"""\r\n-2.5,\r\n\'-x,"a,b"\r\n'


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("sum(rate(http_re", {"kind": "metric", "text": "http_re"}),
        ("up{", {"kind": "label", "metric": "up", "text": ""}),
        ('up{job="a", ins', {"kind": "label", "metric": "up", "text": "ins"}),
        ('up{job=~"ap', {"kind": "value", "metric": "up", "label": "job", "text": "ap"}),
        ("sum by (jo", {"kind": "label", "metric": "", "text": "jo"}),
        ("rate(up[5", None),
        ("up{job=", None),
        ("", None),
    ],
)
def test_what_stands_before_the_caret_is_understood(
    page: Page, server: Running, before: str, expected: dict[str, str] | None
) -> None:
    page.goto(f"{server.url}/")
    assert of_module(page, "queries.js", "m.contextAt(a)", before) == expected


def test_nothing_but_our_own_origin_is_asked(page: Page, server: Running) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/logs", "/metrics-explorer?q=up", "/services/shop"):
        page.goto(f"{server.url}{path}", wait_until="networkidle")
    assert all(url.startswith((server.url, "data:", "blob:")) for url in asked), json.dumps(asked)
