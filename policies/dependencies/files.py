"""Dependency policies in files, for commands."""

from pathlib import Path
from typing import Final

from django.core.management.base import CommandError

from policies.dependencies.document import DependencyPolicy, read_policy
from policies.documents.located import DocumentError

MAX_BYTES: Final = 1_000_000


def read_policy_file(file: Path) -> DependencyPolicy:
    """The policy in `file`. Raises CommandError naming the file, and the line and column of a mistake."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise CommandError(f"{file} is larger than the {MAX_BYTES} bytes that are read of a policy")
        return read_policy(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not UTF-8 text") from error
    except DocumentError as error:
        raise CommandError(f"{file}: {error}") from error
