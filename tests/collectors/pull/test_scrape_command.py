"""`belvedere scrape URL` says what a target exposes or what is wrong with it."""

import io

import pytest
from django.core.management import CommandError, call_command

from tests.collectors.web_server import reply


def test_a_target_is_looked_at_without_being_stored(serve) -> None:
    served = serve(lambda handler: reply(handler, b'# TYPE a counter\na 1\na{b="c"} 2\n'))
    out = io.StringIO()
    call_command("scrape", f"{served.url}/metrics", stdout=out)
    assert f"{served.url}/metrics: 2 samples, 1 described metrics" in out.getvalue()


@pytest.mark.parametrize(
    ("path", "sentence"), [("/broken", "line 1: expected"), ("/missing", "the server answered 404")]
)
def test_what_is_wrong_with_a_target_is_a_sentence(serve, path: str, sentence: str) -> None:
    served = serve(lambda handler: reply(handler, b"<html><body>\n", status=200 if handler.path == "/broken" else 404))
    with pytest.raises(CommandError, match=sentence):
        call_command("scrape", f"{served.url}{path}")


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="only http and https are fetched"):
        call_command("scrape", "ftp://example.org/")


def test_a_scraper_of_its_own_needs_a_store_of_its_own(settings) -> None:
    settings.TELEMETRY_URL = "chdb:///somewhere"
    with pytest.raises(CommandError, match="`belvedere up` scrapes by itself"):
        call_command("scrape")
