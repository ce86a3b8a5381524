"""A scrape job: the document of one `scrape_config` of Prometheus as a value; pure.

Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#scrape_config
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from collectors.pull.client_config import NO_CREDENTIALS, ClientConfig, read_client
from collectors.pull.config_section import InvalidConfig, Path, Section
from collectors.pull.discovery_config import DISCOVERIES, UNKNOWN_DISCOVERIES, DiscoveryConfig
from collectors.pull.relabel import RelabelRule
from telemetry.model.errors import InvalidInput

DEFAULT_INTERVAL_MS: Final = 60_000
DEFAULT_TIMEOUT_MS: Final = 10_000
PROTOBUF: Final = "PrometheusProto"
PROTOCOLS: Final = {
    PROTOBUF: "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
    "PrometheusText0.0.4": "text/plain;version=0.0.4",
    "PrometheusText1.0.0": "text/plain;version=1.0.0",
    "OpenMetricsText0.0.1": "application/openmetrics-text;version=0.0.1",
    "OpenMetricsText1.0.0": "application/openmetrics-text;version=1.0.0",
}
DEFAULT_PROTOCOLS: Final = (
    "OpenMetricsText1.0.0",
    "OpenMetricsText0.0.1",
    "PrometheusText1.0.0",
    "PrometheusText0.0.4",
)
_WITHOUT_EFFECT: Final = {
    "convert_classic_histograms_to_nhcb": "classic histograms stay classic",
    "enable_http2": "pages are fetched by HTTP/1.1",
    "follow_redirects": "redirects are not followed: each could lead to an inner address",
    "native_histogram_bucket_limit": "native histograms keep the buckets that they are exposed with",
    "native_histogram_min_bucket_factor": "native histograms keep the buckets that they are exposed with",
    "scrape_failure_log_file": "failures are shown on the page Settings, Targets",
}


@dataclass(frozen=True, slots=True)
class PageLimits:
    """Limits of one page, 0 for none; a page that passes one is refused whole."""

    samples: int = 0
    body_bytes: int = 0
    labels: int = 0
    label_name_bytes: int = 0
    label_value_bytes: int = 0


@dataclass(frozen=True, slots=True)
class JobConfig:
    """Fields as in the configuration, units in their names."""

    name: str
    interval_ms: int = DEFAULT_INTERVAL_MS
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    scheme: str = "http"
    metrics_path: str = "/metrics"
    params: tuple[tuple[str, tuple[str, ...]], ...] = ()
    honor_labels: bool = False
    honor_timestamps: bool = True
    track_timestamps_staleness: bool = False
    compression: bool = True
    limits: PageLimits = PageLimits()
    target_limit: int = 0
    keep_dropped_targets: int = 0
    protocols: tuple[str, ...] = DEFAULT_PROTOCOLS
    fallback_protocol: str = ""
    native_histograms: bool = True
    """Whether histograms of protobuf pages that have native buckets are taken as native ones."""
    classic_histograms: bool = False
    """Whether the classic buckets of such histograms are taken too."""
    escaping: str = "allow-utf-8"
    client: ClientConfig = NO_CREDENTIALS
    discoveries: tuple[DiscoveryConfig, ...] = ()
    relabel: tuple[RelabelRule, ...] = ()
    metric_relabel: tuple[RelabelRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """Something in a document that is not used, and why; the rest of the job is."""

    path: Path
    sentence: str


@dataclass(slots=True)
class JobReading:
    """A job with the remarks on its document."""

    job: JobConfig
    remarks: list[Remark] = field(default_factory=list)


def read_job(document: Mapping[str, Any]) -> JobReading:
    """The job of one scrape_config. Raises InvalidConfig for what cannot be scraped as it asks."""
    section = Section(document)
    name = section.text("job_name")
    if not name:
        raise InvalidConfig(("job_name",), "a job needs a name")
    remarks: list[Remark] = []
    interval_ms = section.duration_ms("scrape_interval", 0) or DEFAULT_INTERVAL_MS
    timeout_ms = section.duration_ms("scrape_timeout", 0) or min(DEFAULT_TIMEOUT_MS, interval_ms)
    if timeout_ms > interval_ms:
        raise InvalidConfig(("scrape_timeout",), f"{timeout_ms} ms is longer than the interval of {interval_ms} ms")
    native = section.flag("scrape_native_histograms", True) if "scrape_native_histograms" in section.left() else None
    job = JobConfig(
        name=name,
        interval_ms=interval_ms,
        timeout_ms=timeout_ms,
        scheme=_one_of(section, "scheme", ("http", "https"), "http"),
        metrics_path=section.text("metrics_path", "/metrics"),
        params=_params(section),
        honor_labels=section.flag("honor_labels", False),
        honor_timestamps=section.flag("honor_timestamps", True),
        track_timestamps_staleness=section.flag("track_timestamps_staleness", False),
        compression=section.flag("enable_compression", True),
        limits=_limits(section),
        target_limit=section.count("target_limit"),
        keep_dropped_targets=section.count("keep_dropped_targets"),
        protocols=_protocols(section, prefer_protobuf=bool(native)),
        fallback_protocol=_one_of(section, "fallback_scrape_protocol", ("", *PROTOCOLS), ""),
        escaping=_escaping(section),
        native_histograms=native is not False,
        classic_histograms=_classic_histograms(section),
        client=read_client(section),
        discoveries=_discoveries(section, remarks),
        relabel=tuple(_rule(each) for each in section.sections("relabel_configs")),
        metric_relabel=tuple(_rule(each) for each in section.sections("metric_relabel_configs")),
    )
    for unused in [each for each in section.left() if each in _WITHOUT_EFFECT]:
        section.take(unused)
        remarks.append(Remark((unused,), _WITHOUT_EFFECT[unused]))
    section.finish()
    return JobReading(job, remarks)


def _one_of(section: Section, name: str, words: tuple[str, ...], default: str) -> str:
    word = section.text(name, default)
    if word not in words:
        raise section.wrong(name, f"{word!r} is none of {', '.join(filter(None, words))}")
    return word


def _escaping(section: Section) -> str:
    legacy = _one_of(section, "metric_name_validation_scheme", ("utf8", "legacy"), "utf8") == "legacy"
    words = ("allow-utf-8", "underscores", "dots", "values")
    return _one_of(section, "metric_name_escaping_scheme", words, "underscores" if legacy else "allow-utf-8")


def _params(section: Section) -> tuple[tuple[str, tuple[str, ...]], ...]:
    values = section.section("params")
    return tuple(sorted((name, values.texts(name)) for name in values.left())) if values else ()


def _limits(section: Section) -> PageLimits:
    return PageLimits(
        samples=section.count("sample_limit"),
        body_bytes=section.size_bytes("body_size_limit"),
        labels=section.count("label_limit"),
        label_name_bytes=section.count("label_name_length_limit"),
        label_value_bytes=section.count("label_value_length_limit"),
    )


def _protocols(section: Section, *, prefer_protobuf: bool) -> tuple[str, ...]:
    wanted = section.texts("scrape_protocols")
    for position, word in enumerate(wanted):
        if word not in PROTOCOLS:
            raise InvalidConfig(("scrape_protocols", position), f"{word!r} is no scrape protocol")
    return wanted or ((PROTOBUF, *DEFAULT_PROTOCOLS) if prefer_protobuf else DEFAULT_PROTOCOLS)


def _classic_histograms(section: Section) -> bool:
    """The older name of the option counts too, as in Prometheus."""
    both = [section.flag(name, False) for name in ("always_scrape_classic_histograms", "scrape_classic_histograms")]
    return any(both)


def _discoveries(section: Section, remarks: list[Remark]) -> tuple[DiscoveryConfig, ...]:
    found: list[DiscoveryConfig] = []
    for name, read in DISCOVERIES.items():
        found += [read(each) for each in section.sections(name)]
    for name in [each for each in section.left() if each in UNKNOWN_DISCOVERIES]:
        section.take(name)
        remarks.append(Remark((name,), f"targets are not looked for by {name}; export them as file_sd or HTTP SD"))
    return tuple(found)


def _rule(section: Section) -> RelabelRule:
    try:
        rule = RelabelRule(
            action=section.text("action", "replace").lower(),
            source_labels=section.texts("source_labels"),
            separator=section.text("separator", ";"),
            regex=section.text("regex", "(.*)"),
            modulus=section.count("modulus"),
            target_label=section.text("target_label"),
            replacement=section.text("replacement", "$1"),
        )
    except InvalidConfig:
        raise
    except InvalidInput as error:
        raise InvalidConfig(section.path, str(error)) from error
    section.finish()
    return rule
