import json
import os
import stat
from pathlib import Path

import pytest

from dashboard.runtime import data_dir


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_directory_is_made_for_its_owner_only(tmp_path: Path) -> None:
    data_dir.prepare(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o700


def test_a_directory_that_others_could_read_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    data_dir.prepare(tmp_path)
    assert mode(tmp_path) == 0o700


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(data_dir.DataDirProblem, match=r"file/data cannot be prepared: Not a directory"):
        data_dir.prepare(tmp_path / "file" / "data")


def test_a_second_owner_is_refused_with_the_first_ones_name(tmp_path: Path) -> None:
    with data_dir.owned(tmp_path, command="up", listen="127.0.0.1:8000"):
        with pytest.raises(data_dir.DataDirBusy) as refusal, data_dir.owned(tmp_path, command="up"):
            pass
        assert data_dir.holder_of(tmp_path) == data_dir.Holder(os.getpid(), "up", "127.0.0.1:8000")
    assert f"`belvedere up` (process {os.getpid()} on http://127.0.0.1:8000) already uses {tmp_path}" in str(
        refusal.value
    )


def test_nobody_owns_the_directory_after_the_block(tmp_path: Path) -> None:
    assert data_dir.holder_of(tmp_path) is None
    with data_dir.owned(tmp_path, command="up"):
        pass
    assert data_dir.holder_of(tmp_path) is None
    with data_dir.owned(tmp_path, command="again"):
        assert data_dir.holder_of(tmp_path) == data_dir.Holder(os.getpid(), "again")


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"pid": 1})])
def test_a_lock_whose_holder_has_not_written_yet_still_refuses(tmp_path: Path, content: str) -> None:
    with data_dir.owned(tmp_path, command="up"):
        (tmp_path / data_dir.LOCK_FILE).write_text(content)
        with (
            pytest.raises(data_dir.DataDirBusy, match="another process already uses"),
            data_dir.owned(tmp_path, command="up"),
        ):
            pass
        assert data_dir.holder_of(tmp_path) is not None
