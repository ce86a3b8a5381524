"""Runs the unmodified `pip-audit` in a process of its own and understands how it ends.

Exit statuses: 0 nothing found, 1 something found *or* failed, 2 wrong usage. Only the report on standard output
tells the first two meanings of 1 apart.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

TIMEOUT_SECONDS: Final = 300.0
_KEPT_VARIABLES: Final = ("PATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV")
_ERROR_LINES: Final = 3
_MAX_OUTPUT_BYTES: Final = 256 * 1024**2


class AuditFailed(Exception):
    """pip-audit gave no report, so nothing is known. The message says how it ended."""


@dataclass(frozen=True, slots=True)
class AuditSource:
    """What is audited: no arguments mean the environment of the running interpreter."""

    arguments: tuple[str, ...] = ()


def run_pip_audit(source: AuditSource, *, osv_url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> dict[str, Any]:
    """The report of `pip-audit` asking the OSV service at `osv_url`. Raises AuditFailed."""
    with tempfile.TemporaryDirectory(prefix="belvedere-audit-") as folder:
        output = f"{folder}/report.json"
        command = _command(source, osv_url, output, folder)
        status, errors = _run(command, folder, timeout_seconds)
        return _report(output, status, errors)


def _command(source: AuditSource, osv_url: str, output: str, folder: str) -> list[str]:
    return [
        sys.executable, "-m", "pip_audit",
        "--vulnerability-service", "osv", "--osv-url", osv_url,
        "--format", "json", "--output", output,
        "--progress-spinner", "off", "--timeout", "30", "--cache-dir", f"{folder}/cache",
        *source.arguments,
    ]  # fmt: skip


def _run(command: Sequence[str], folder: str, timeout_seconds: float) -> tuple[int, str]:
    """Exit status and standard error. At the deadline the whole process group is killed, since pip-audit starts pip."""
    with open(f"{folder}/errors", "w+b") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            command,
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        try:
            status = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise AuditFailed(f"pip-audit did not end within {timeout_seconds:g} s and was stopped") from error
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        errors.seek(0)
        return status, errors.read(1 << 20).decode(errors="replace")


def _environment() -> dict[str, str]:
    """Little of ours: no proxies (the service asked is our own), no secrets, and pip of the same interpreter."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "PIPAPI_PYTHON_LOCATION": sys.executable, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_PROXY": "*"}


def _report(output: str, status: int, errors: str) -> dict[str, Any]:
    if status not in (0, 1):
        raise AuditFailed(f"pip-audit ended with status {status}: {_tail(errors)}")
    try:
        if os.path.getsize(output) > _MAX_OUTPUT_BYTES:
            raise AuditFailed(f"the report of pip-audit is over {_MAX_OUTPUT_BYTES} bytes")
        with open(output, encoding="utf-8") as stream:
            document = json.load(stream)
    except (OSError, ValueError) as error:
        raise AuditFailed(f"pip-audit ended with status {status} and gave no report: {_tail(errors)}") from error
    if not isinstance(document, dict) or not document.get("dependencies"):
        raise AuditFailed("pip-audit found no packages to audit")
    return document


def _tail(errors: str) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return " / ".join(lines[-_ERROR_LINES:])[:500] or "no message"
