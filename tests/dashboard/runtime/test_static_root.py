from pathlib import Path

import pytest

from dashboard.runtime.static_root import STAMP, collect_if_changed


@pytest.fixture
def source(tmp_path: Path, settings) -> Path:
    """Folder of one style sheet, collected into a folder beside it."""
    (tmp_path / "source" / "css").mkdir(parents=True)
    (tmp_path / "source" / "css" / "a.css").write_text("a { color: red }")
    settings.STATICFILES_DIRS = [tmp_path / "source"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "root"
    return tmp_path / "source"


def collected(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*.css*")}


def test_files_are_collected_under_names_of_their_content_and_compressed(source: Path, settings) -> None:
    assert collect_if_changed()
    names = collected(settings.STATIC_ROOT)
    assert "css/a.css" in names
    assert len([name for name in names if name.startswith("css/a.") and name.endswith(".css")]) == 2


def test_nothing_is_done_while_nothing_changed(source: Path, settings) -> None:
    collect_if_changed()
    before = {path: path.stat().st_mtime_ns for path in settings.STATIC_ROOT.rglob("*")}
    assert not collect_if_changed()
    assert {path: path.stat().st_mtime_ns for path in settings.STATIC_ROOT.rglob("*")} == before


def test_a_changed_file_is_collected_and_what_is_gone_goes(source: Path, settings) -> None:
    collect_if_changed()
    old = collected(settings.STATIC_ROOT)
    (source / "css" / "a.css").write_text("a { color: blue }")
    assert collect_if_changed()
    assert collected(settings.STATIC_ROOT) & old == {"css/a.css"}


def test_a_collection_that_was_interrupted_is_done_again(source: Path, settings) -> None:
    collect_if_changed()
    (settings.STATIC_ROOT / STAMP).unlink()
    assert collect_if_changed()
