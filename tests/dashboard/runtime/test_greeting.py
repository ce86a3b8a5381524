import re

import pytest

from dashboard.runtime.greeting import LOCAL_SCOPES, greeting
from fleet.models import ApiToken
from fleet.tokens import authenticate

TOKEN = re.compile(r"BELVEDERE_TOKEN=(bv_\S+)")


@pytest.fixture(autouse=True)
def _local(settings) -> None:
    settings.LISTEN, settings.PUBLIC_URL = "127.0.0.1:8000", "http://127.0.0.1:8000"


@pytest.mark.django_db
def test_the_first_start_prints_a_set_up_link_and_a_token_that_works() -> None:
    said = greeting()
    assert re.search(r"^Set-up link: http://127\.0\.0\.1:8000/setup/\S+$", said, re.MULTILINE)
    found = TOKEN.search(said)
    assert found
    principal = authenticate(f"Bearer {found[1]}")
    assert principal is not None
    assert principal.scopes == frozenset(LOCAL_SCOPES)


@pytest.mark.django_db
def test_the_token_is_made_and_printed_once() -> None:
    greeting()
    later = greeting()
    assert not TOKEN.search(later)
    assert "belvedere token create" in later
    assert ApiToken.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("listen", ["0.0.0.0:8000", "192.0.2.1:8000"])
def test_no_token_is_made_where_others_can_reach_the_address(settings, listen: str) -> None:
    settings.LISTEN = listen
    said = greeting()
    assert not TOKEN.search(said)
    assert "BELVEDERE_PUBLIC_URL" in said
    assert not ApiToken.objects.exists()


@pytest.mark.django_db
def test_commands_name_the_data_directory_if_it_is_not_the_usual_one(settings) -> None:
    settings.DATA_DIR = "/srv/elsewhere"
    assert "belvedere demo --data /srv/elsewhere" in greeting()
