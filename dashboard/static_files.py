"""Static files under names that carry their content, also where one of our modules imports another."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final

from whitenoise.storage import CompressedManifestStaticFilesStorage

OUR_IMPORTS: Final = ("js/*.js", ((r"""(?P<matched>from "(?P<url>\./[\w.-]+)";)""", 'from "%(url)s";'),))
"""Imports of our own modules. Django's own patterns also reach into other packages and trip over bare names."""

WORTH_COMPRESSING: Final = re.compile(r"(css|js|vendor)/.*\.[0-9a-f]{12}\.|favicon\.[0-9a-f]{12}\.")
"""What pages load. Brotli would take longer over what other packages bring than the whole first start may."""


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Falls back to the plain name for a file that has not been collected, as in tests."""

    patterns: ClassVar[tuple[Any, ...]] = (*CompressedManifestStaticFilesStorage.patterns, OUR_IMPORTS)
    manifest_strict = False

    def stored_name(self, name: str) -> str:
        try:
            return str(super().stored_name(name))
        except ValueError:  # not in the static root: `collectstatic` has not run
            return name

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        yield from super().compress_files([path for path in paths if WORTH_COMPRESSING.match(path)])
