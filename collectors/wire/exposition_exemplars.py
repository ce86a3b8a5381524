"""Exemplars on an OpenMetrics page: taken off their lines, so that what is left repeats from scrape to scrape.

Source: https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md#exemplars
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from collectors.wire.exposition_numbers import page_milliseconds, page_number, shown
from collectors.wire.exposition_series import SERIES, label_pairs
from telemetry.model.errors import InvalidInput
from telemetry.model.exemplars import Exemplar
from telemetry.model.labels import labels_from

_MARK: Final = b"# {"
_BEGIN: Final = re.compile(rb"[ \t]+#[ \t]*(?=\{)")


@dataclass(frozen=True, slots=True)
class ExemplarText:
    """An exemplar as it stands on the page."""

    series: bytes
    """Key of the series that it is of."""
    text: bytes
    """From its opening brace on."""

    def read(self, default_ms: int) -> Exemplar:
        """The exemplar, at `default_ms` if it names no time. Raises InvalidInput."""
        braces = SERIES.match(self.text)
        end = braces.end() if braces else 0
        words = self.text[end:].split()
        if len(words) not in (1, 2):
            raise InvalidInput(f"expected `{{labels}} value [timestamp]`: {shown(self.text)}")
        labels = label_pairs(self.text[1:end].rstrip(b" \t").removesuffix(b"}"), self.text)
        timestamp_ms = page_milliseconds(words[1], openmetrics=True) if len(words) == 2 else default_ms
        return Exemplar(timestamp_ms, page_number(words[0]), labels_from(labels))


def cut_exemplars(page: bytes) -> tuple[bytes, Sequence[ExemplarText]]:
    """The page with the same lines but without exemplars, and these."""
    if b"#{" not in page and _MARK not in page:
        return page, ()
    lines, found = page.split(b"\n"), []
    for number, line in enumerate(lines):
        if line[:1] != b"#" and (_MARK in line or b"#{" in line):
            series = SERIES.match(line)
            behind = series.end() if series else 0
            if begin := _BEGIN.search(line, behind):
                lines[number] = line[: begin.start()]
                found.append(ExemplarText(line[:behind].rstrip(b" \t"), line[begin.end() :]))
    return b"\n".join(lines), found
