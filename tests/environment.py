"""Loaded by pytest before Django's settings are (`-p tests.environment`): every run has a data directory of its own."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

DATA = Path(tempfile.mkdtemp(prefix="belvedere-tests-"))
_OWNER = os.getpid()


def _remove() -> None:
    if os.getpid() == _OWNER:
        shutil.rmtree(DATA, ignore_errors=True)


(DATA / "static").mkdir()
os.environ["BELVEDERE_DATA"] = str(DATA)
os.environ.pop("BELVEDERE_TELEMETRY_URL", None)
atexit.register(_remove)
