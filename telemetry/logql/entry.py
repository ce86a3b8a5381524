"""One line on its way through a pipeline, with its labels by where they came from."""

from collections.abc import Mapping
from typing import Final

from telemetry.model.labels import Labels

ERROR: Final = "__error__"
ERROR_DETAILS: Final = "__error_details__"
PRESERVE_ERROR: Final = "__preserve_error__"
SPECIAL: Final = frozenset({ERROR, ERROR_DETAILS, PRESERVE_ERROR})
_SUFFIX: Final = "_extracted"


class Entry:
    """Labels of a line: those of the stream, of structured metadata, and those that the pipeline made."""

    __slots__ = ("_extracted", "_stream", "details", "error", "labels", "line", "metadata", "parsed", "time_ns")

    def __init__(self, time_ns: int, line: str, stream: Mapping[str, str], metadata: Mapping[str, str]) -> None:
        self.time_ns = time_ns
        self.line = line
        self._stream = stream
        self.labels: dict[str, str] = dict(stream)
        """Name -> value, without error labels."""
        self.metadata: set[str] = set()
        """Names that came with the record as structured metadata."""
        self.parsed: set[str] = set()
        """Names that the pipeline made."""
        self._extracted: set[str] = set()
        self.error = ""
        self.details = ""
        for name, value in metadata.items():
            self._add_metadata(name, value)

    def _add_metadata(self, name: str, value: str) -> None:
        if name == ERROR:
            self.error = value
        elif name == ERROR_DETAILS:
            self.details = value
        else:
            name = name + _SUFFIX if name in self._stream else name
            self.labels[name] = value
            self.metadata.add(name)

    def get(self, name: str) -> str | None:
        """Value of a label, None where it is absent; error labels are none."""
        return self.labels.get(name)

    def text(self, name: str) -> str:
        """Value of a label or error label, '' where it is absent."""
        if name == ERROR:
            return self.error
        if name == ERROR_DETAILS:
            return self.details
        return self.labels.get(name, "")

    def extract(self, name: str, value: str) -> None:
        """Label found in the line: never over one of the stream or metadata; of several the first counts."""
        if name in self._stream or name in self.metadata:
            name += _SUFFIX
        if name not in self._extracted:
            self.set(name, value)

    def set(self, name: str, value: str) -> None:
        """Label made by the pipeline, over any other of that name."""
        self.labels[name] = value
        self.metadata.discard(name)
        self.parsed.add(name)
        self._extracted.add(name)

    def rename(self, source: str, target: str) -> None:
        """`target` is what `source` was; nothing if there is no source."""
        value = self.labels.get(source)
        if value is None:
            return
        came_along = source in self.metadata
        self.delete(source)
        self.set(target, value)
        if came_along:
            self.parsed.discard(target)
            self.metadata.add(target)

    def delete(self, name: str) -> None:
        self.labels.pop(name, None)
        self.metadata.discard(name)
        self.parsed.discard(name)

    def fail(self, error: str, details: str) -> None:
        self.error, self.details = error, details

    def all_labels(self) -> dict[str, str]:
        """Labels with the error labels, unsorted."""
        if not self.error and not self.details:
            return self.labels
        labels = dict(self.labels)
        if self.error:
            labels[ERROR] = self.error
        if self.details:
            labels[ERROR_DETAILS] = self.details
        return labels

    def label_set(self) -> Labels:
        """All labels by name; empty values are kept, as Loki shows them."""
        return tuple(sorted(self.all_labels().items()))
