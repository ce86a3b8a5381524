"""Static files under names that carry their content, also where one of our modules imports another."""

from typing import Any, ClassVar

from whitenoise.storage import CompressedManifestStaticFilesStorage

OUR_IMPORTS = ("js/*.js", ((r"""(?P<matched>from "(?P<url>\./[\w.-]+)";)""", 'from "%(url)s";'),))
"""Imports of our own modules. Django's own patterns also reach into other packages and trip over bare names."""


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Falls back to the plain name for a file that has not been collected, as in tests."""

    patterns: ClassVar[tuple[Any, ...]] = (*CompressedManifestStaticFilesStorage.patterns, OUR_IMPORTS)
    manifest_strict = False

    def stored_name(self, name: str) -> str:
        try:
            return str(super().stored_name(name))
        except ValueError:  # not in the static root: `collectstatic` has not run
            return name
