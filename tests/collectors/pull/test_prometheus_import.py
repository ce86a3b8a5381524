"""A Prometheus configuration is taken as it stands; what is not taken is named with its line and the reason."""

import json
from pathlib import Path

import pytest

from collectors.imports import KINDS
from collectors.pull.job_config import PageLimits
from collectors.pull.job_rows import job_rows
from collectors.pull.prometheus_import import read_prometheus
from fleet.models import AuditEvent, ScrapeJob

pytestmark = pytest.mark.django_db

CONFIG = """\
global:
  scrape_interval: 30s
  sample_limit: 5000
  external_labels: {cluster: a}
remote_write:
  - url: http://elsewhere/write
scrape_configs:
  - job_name: node
    scrape_interval: 5s
    static_configs:
      - targets: ["10.0.0.1:9100", "10.0.0.2:9100"]
        labels: {zone: b}
    relabel_configs:
      - {source_labels: [__address__], regex: '(.*):.*', target_label: instance}
    metric_relabel_configs:
      - {source_labels: [__name__], regex: 'go_.*', action: drop}
  - job_name: secret
    scheme: https
    basic_auth: {username: reader, password: open-sesame}
    params: {module: [http_2xx]}
    follow_redirects: true
    file_sd_configs:
      - files: [targets/*.json]
  - job_name: clouds
    ec2_sd_configs: [{region: eu}]
  - job_name: broken
    relabel_configs:
      - regex: '('
        target_label: x
  - job_name: proxied
    proxy_url: http://proxy:3128
  - job_name: typo
    scrape_intervall: 5s
"""


def run(path: Path, *, dry_run: bool = False) -> tuple[list[str], str]:
    said: list[str] = []
    sentence = KINDS["prometheus"].run({"file": str(path), "dry_run": dry_run}, said.append)
    return [line.removeprefix(f"{path}:") for line in said], sentence


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "prometheus.yml"
    path.write_text(CONFIG)
    return path


def test_every_part_has_its_verdict_by_line(config: Path) -> None:
    said, sentence = run(config)
    assert said == [
        "2: global.scrape_interval: taken: for jobs that say nothing themselves",
        "3: global.sample_limit: taken: for jobs that say nothing themselves",
        "4: global.external_labels: not taken: they are meant for other systems; stored series do not get them",
        "5: remote_write: not taken: samples stay here; to send them elsewhere too, let a Prometheus do it",
        "8: job node: taken: targets from static_configs",
        "17: job secret: taken: targets from file_sd_configs",
        "21: job secret, follow_redirects: not taken: redirects are not followed: each could lead to an inner address",
        "25: job clouds, ec2_sd_configs: not taken: targets are not looked for by ec2_sd_configs; export them as "
        "file_sd or HTTP SD",
        "28: job broken: not taken: relabel_configs[0]: invalid regular expression '(': b'missing ): ('",
        "31: job proxied: not taken: proxy_url: is not supported: requests go without a proxy",
        "33: job typo: not taken: scrape_intervall: there is no such field",
    ]
    assert sentence == "2 scrape jobs added, 0 brought up to date."


def test_the_jobs_are_as_the_file_says(config: Path) -> None:
    run(config)
    jobs = {job.name: job for job in job_rows().jobs}
    node, secret = jobs["node"], jobs["secret"]
    assert (node.interval_ms, node.timeout_ms, node.limits) == (5000, 5000, PageLimits(samples=5000))
    assert node.discoveries[0].addresses == ("10.0.0.1:9100", "10.0.0.2:9100")
    assert node.metric_relabel[0].action == "drop"
    assert (secret.interval_ms, secret.scheme, secret.params) == (30_000, "https", (("module", ("http_2xx",)),))
    assert secret.discoveries[0].patterns == (str(config.parent / "targets/*.json"),)
    assert secret.client.authorization() == "Basic cmVhZGVyOm9wZW4tc2VzYW1l"


def test_secrets_are_encrypted_and_shown_nowhere(config: Path) -> None:
    run(config)
    row = ScrapeJob.objects.get(name="secret")
    assert "open-sesame" not in json.dumps(row.document) + row.secrets + repr(job_rows())


def test_a_second_import_changes_the_same_jobs(config: Path) -> None:
    run(config)
    config.write_text(CONFIG.replace("scrape_interval: 5s", "scrape_interval: 7s"))
    _, sentence = run(config)
    assert sentence == "0 scrape jobs added, 2 brought up to date."
    assert {job.name: job.interval_ms for job in job_rows().jobs} == {"node": 7000, "secret": 30_000}
    assert AuditEvent.objects.filter(action="scrape_job.changed").count() == 2


def test_a_dry_run_changes_nothing(config: Path) -> None:
    said, sentence = run(config, dry_run=True)
    assert len(said) == 11
    assert sentence == "Would be taken: 2 scrape jobs. Nothing was changed."
    assert not ScrapeJob.objects.exists()


def test_rule_files_are_named_relative_to_the_configuration(config: Path) -> None:
    (config.parent / "rules").mkdir()
    (config.parent / "rules/a.yml").write_text("groups: []\n")
    config.write_text("rule_files: ['rules/*.yml']\n")
    assert read_prometheus(config).rule_files == [config.parent / "rules/a.yml"]


@pytest.mark.parametrize(("text", "sentence"), [("a: [", "is not YAML"), ("- 1", "it has no fields")])
def test_another_file_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "x.yml").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        read_prometheus(tmp_path / "x.yml")
