"""What a scraped page is written in, and the page taken apart accordingly."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum
from functools import lru_cache
from typing import Final

from collectors.pull.job_config import PROTOBUF, JobConfig
from collectors.wire.exposition_exemplars import ExemplarText, cut_exemplars
from collectors.wire.exposition_protobuf import HistogramText, read_protobuf_page
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import InvalidInput


class PageFormat(StrEnum):
    """Formats that pages are read in."""

    TEXT = "text"
    OPENMETRICS = "openmetrics"
    PROTOBUF = "protobuf"


_FORMATS: Final = {
    "text/plain": PageFormat.TEXT,
    "application/openmetrics-text": PageFormat.OPENMETRICS,
    "application/vnd.google.protobuf": PageFormat.PROTOBUF,
}
_DELIMITED: Final = {"proto": "io.prometheus.client.MetricFamily", "encoding": "delimited"}


@lru_cache(maxsize=1000)
def page_format(content_type: str, fallback: str) -> PageFormat:
    """Format of a page of this content type.

    Raises InvalidInput for another content type (or none) where the job names no protocol to fall back to.
    """
    message = Message()
    message["content-type"] = content_type
    found = _FORMATS.get(message.get_content_type()) if content_type.strip() else None
    if found is PageFormat.PROTOBUF and any(message.get_param(key) != word for key, word in _DELIMITED.items()):
        found = None
    if found is not None:
        return found
    if not fallback:
        told = f"the content type {content_type!r} is no metrics page" if content_type else "it names no content type"
        raise InvalidInput(f"{told}, and the job has no fallback_scrape_protocol")
    if fallback == PROTOBUF:
        return PageFormat.PROTOBUF
    return PageFormat.OPENMETRICS if fallback.startswith("OpenMetrics") else PageFormat.TEXT


@dataclass(frozen=True, slots=True)
class OpenedPage:
    """A page as text, and what is beside its float samples."""

    text: bytes
    openmetrics: bool
    exemplars: Sequence[ExemplarText] = ()
    histograms: Sequence[HistogramText] = ()


def opened(body: bytes, kind: PageFormat, job: JobConfig, limits: DecodeLimits) -> OpenedPage:
    """`body` taken apart. Raises InvalidInput for a broken protobuf page, LimitExceeded."""
    if kind is PageFormat.PROTOBUF:
        page = read_protobuf_page(body, limits, native=job.native_histograms, classic=job.classic_histograms)
        return OpenedPage(page.text, openmetrics=False, exemplars=page.exemplars, histograms=page.histograms)
    openmetrics = kind is PageFormat.OPENMETRICS
    text, exemplars = cut_exemplars(body) if openmetrics else (body, ())
    return OpenedPage(text, openmetrics, exemplars)
