"""Collected files carry their content in their names, down to what our modules import."""

import re
from pathlib import Path

import pytest
from django.core.management import call_command

from dashboard.static_files import HashedStaticFiles


@pytest.fixture
def collected(tmp_path: Path, settings) -> Path:
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)
    return tmp_path


def test_modules_import_one_another_by_hashed_names(collected: Path) -> None:
    (entry,) = collected.glob("js/app.????????????.js")
    imported = re.findall(r'from "\./([\w.-]+)";', entry.read_text())
    assert len(imported) > 5
    for name in imported:
        assert re.search(r"\.[0-9a-f]{12}\.js$", name), name
        assert (collected / "js" / name).exists()


def test_what_pages_load_is_compressed_in_advance(collected: Path) -> None:
    for pattern in ("vendor/plotly-basic.min.*.js", "css/base.*.css", "js/app.*.js"):
        assert list(collected.glob(f"{pattern}.br")), pattern
        assert list(collected.glob(f"{pattern}.gz")), pattern


def test_a_file_that_was_not_collected_keeps_its_name(tmp_path: Path) -> None:
    storage = HashedStaticFiles(location=tmp_path, base_url="/static/")
    assert storage.url("js/nowhere.js") == "/static/js/nowhere.js"
