"""A scrape_config becomes a job field by field, and a target its labels by Prometheus' rules."""

import pytest

from collectors.pull.config_section import InvalidConfig
from collectors.pull.job_config import JobConfig, PageLimits, read_job
from collectors.pull.page_format import page_format
from collectors.pull.relabel import RelabelRule
from collectors.pull.scrape import accept_header
from collectors.pull.target_labels import Dropped, Kept, described, judge
from telemetry.model.errors import InvalidInput

DOCUMENT = {
    "job_name": "web", "scrape_interval": "1m30s", "scrape_timeout": "5s", "scheme": "https", "metrics_path": "/m",
    "params": {"module": ["a", "b"]}, "honor_labels": True, "honor_timestamps": False, "sample_limit": 10,
    "body_size_limit": "1.5MB", "label_limit": 3, "label_name_length_limit": 4, "label_value_length_limit": 5,
    "track_timestamps_staleness": True, "enable_compression": False, "fallback_scrape_protocol": "PrometheusText0.0.4",
    "authorization": {"type": "Token", "credentials": "x"}, "tls_config": {"insecure_skip_verify": True},
    "static_configs": [{"targets": ["a:1"]}], "target_limit": 7,
}  # fmt: skip


def test_every_field_is_read() -> None:
    job = read_job(DOCUMENT).job
    assert (job.interval_ms, job.timeout_ms, job.scheme, job.metrics_path) == (90_000, 5000, "https", "/m")
    assert (job.honor_labels, job.honor_timestamps, job.track_timestamps_staleness) == (True, False, True)
    assert job.limits == PageLimits(10, 1_572_864, 3, 4, 5)
    assert (job.params, job.target_limit, job.compression) == ((("module", ("a", "b")),), 7, False)
    assert job.client.authorization() == "Token x"
    assert job.client.tls.insecure_skip_verify
    assert job.fallback_protocol == "PrometheusText0.0.4"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"job_name": ""}, "a job needs a name"),
        ({"scrape_timeout": "2m"}, "longer than the interval"),
        ({"scrape_interval": "soon"}, "not a valid duration"),
        ({"scheme": "ftp"}, "none of http, https"),
        ({"sample_limit": -1}, "whole number from 0 on"),
        ({"body_size_limit": "big"}, "a size such as 15MB"),
        ({"basic_auth": {"username": "u"}}, "one kind of credentials"),
        ({"oauth2": {"client_id": "x"}}, "OAuth 2"),
        ({"static_configs": [{"targets": ["http://a"]}]}, "is no host:port"),
        ({"dns_sd_configs": [{"names": ["a"], "type": "A"}]}, "records carry no port"),
        ({"kubernetes_sd_configs": [{"role": "cluster"}]}, "'cluster' is none of node"),
        ({"http_sd_configs": [{"url": "file:///etc/passwd"}]}, "only http and https"),
        ({"file_sd_configs": [{"files": ["/etc/passwd"]}]}, "does not end in .json"),
        ({"nonsense": 1}, "there is no such field"),
    ],
)
def test_what_cannot_be_used_is_named(fields, sentence: str) -> None:
    with pytest.raises(InvalidConfig, match=sentence):
        read_job({**DOCUMENT, **fields})


def test_the_accept_header_is_that_of_prometheus() -> None:
    assert accept_header(JobConfig("j")) == (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,"
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    )


def test_protobuf_is_asked_for_first_where_native_histograms_are_wanted() -> None:
    protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
    job = read_job({**DOCUMENT, "scrape_native_histograms": True}).job
    assert accept_header(job).startswith(f"{protobuf};q=0.6,application/openmetrics-text;version=1.0.0;")
    alone = read_job({**DOCUMENT, "scrape_protocols": ["PrometheusProto"]}).job
    assert accept_header(alone) == f"{protobuf};q=0.6,*/*;q=0.5"


def test_histograms_are_taken_as_the_job_wants_them() -> None:
    def options(**fields: bool) -> tuple[bool, bool]:
        job = read_job({**DOCUMENT, **fields}).job
        return job.native_histograms, job.classic_histograms

    assert options() == (True, False)
    assert options(scrape_native_histograms=False) == (False, False)
    assert options(always_scrape_classic_histograms=True) == (True, True)
    assert options(scrape_classic_histograms=True) == (True, True)


def test_a_page_of_an_unknown_kind_needs_a_protocol_to_fall_back_to() -> None:
    delimited = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding="delimited"'
    assert page_format("application/openmetrics-text; version=1.0.0; charset=utf-8", "") == "openmetrics"
    assert page_format("text/plain; version=0.0.4", "") == "text"
    assert page_format(delimited, "") == "protobuf"
    assert page_format("", "OpenMetricsText1.0.0") == "openmetrics"
    assert page_format("", "PrometheusProto") == "protobuf"
    for kind in ("", "text/html", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily"):
        with pytest.raises(InvalidInput, match="no fallback_scrape_protocol"):
            page_format(kind, "")


def kept(job: JobConfig, address: str = "a:1", **labels: str) -> Kept:
    found = judge(job, described(job, {"__address__": address}, labels))
    assert isinstance(found, Kept)
    return found


def test_a_target_has_the_url_of_its_labels_and_the_instance_of_its_address() -> None:
    job = JobConfig("web", scheme="https", metrics_path="/m", params=(("p", ("1", "2")), ("q", ("3",))))
    found = kept(job, zone="z", __meta_x="y", __param_q="4")
    assert found.url == "https://a:1/m?p=1&p=2&q=4"
    assert dict(found.labels) == {"instance": "a:1", "job": "web", "zone": "z"}
    assert dict(found.discovered)["__meta_x"] == "y"


def test_relabelling_sees_meta_labels_and_changes_address_path_interval_and_parameters() -> None:
    rules = (
        RelabelRule(source_labels=("__meta_host",), target_label="__address__", replacement="$1:9"),
        RelabelRule(target_label="__metrics_path__", replacement="/x y"),
        RelabelRule(target_label="__param_target", replacement="b"),
        RelabelRule(target_label="__scrape_interval__", replacement="7s"),
        RelabelRule(target_label="__scrape_timeout__", replacement="3s"),
        RelabelRule(target_label="job", replacement="other"),
    )
    found = kept(JobConfig("web", relabel=rules), __meta_host="h")
    assert (found.url, found.interval_ms, found.timeout_ms) == ("http://h:9/x%20y?target=b", 7000, 3000)
    assert dict(found.labels) == {"instance": "h:9", "job": "other"}


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (
            [RelabelRule("drop", source_labels=("zone",), regex="a|b")],
            "relabel rule 1 drops targets whose zone matches",
        ),
        ([RelabelRule("keep", source_labels=("zone",), regex="c")], "keeps only targets whose zone matches 'c'"),
        ([RelabelRule(target_label="__address__", replacement="")], "it has no address"),
        ([RelabelRule(target_label="__address__", replacement="a/b")], "'a/b' is no host:port"),
        ([RelabelRule(target_label="__scrape_interval__", replacement="x")], "__scrape_interval__ is no duration"),
        ([RelabelRule(target_label="__scrape_timeout__", replacement="2h")], "longer than its interval"),
    ],
)
def test_a_dropped_target_says_why(rules, sentence: str) -> None:
    job = JobConfig("web", relabel=tuple(rules))
    found = judge(job, described(job, {"__address__": "a:1"}, {"zone": "b"}))
    assert isinstance(found, Dropped)
    assert sentence in found.reason
