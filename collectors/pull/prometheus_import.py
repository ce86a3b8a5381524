"""`belvedere import prometheus prometheus.yml`: scrape jobs as they stand, and a word on everything that is not taken.

Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/
"""

import glob
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from collectors.pull.config_section import InvalidConfig, Section, shown_path
from collectors.pull.config_section import Path as Place
from collectors.pull.job_config import Remark, read_job
from collectors.pull.job_rows import without_secrets
from fleet.actions.scrape_jobs import put_job

MAX_FILE_BYTES: Final = 16 * 1024**2
_GLOBAL_FIELDS: Final = (
    "scrape_interval", "scrape_timeout", "scrape_protocols", "sample_limit", "body_size_limit", "target_limit",
    "label_limit", "label_name_length_limit", "label_value_length_limit", "keep_dropped_targets",
    "metric_name_validation_scheme", "metric_name_escaping_scheme",
)  # fmt: skip
"""Of `global`, what jobs take over if they say nothing themselves."""
_DEFAULT_INTERVAL: Final = "1m"
_NOT_TAKEN: Final = {
    "remote_write": "samples stay here; to send them elsewhere too, let a Prometheus do it",
    "remote_read": "only what is stored here is queried",
    "alerting": "alerts are sent by the channels of Belvedere",
    "storage": "retention is a setting of Belvedere (BELVEDERE_SAMPLE_RETENTION_DAYS)",
    "tracing": "Belvedere sends no traces of itself",
    "otlp": "OTLP is received under settings of its own",
    "runtime": "it is about the Go runtime",
}
_GLOBAL_NOT_TAKEN: Final = {
    "external_labels": "they are meant for other systems; stored series do not get them",
    "evaluation_interval": "BELVEDERE_RULE_SECONDS says how often rules are evaluated",
    "query_log_file": "queries are logged by Belvedere itself",
    "scrape_failure_log_file": "failures are shown on the page Settings, Targets",
    "rule_query_offset": "rules are evaluated without delay",
    "convert_classic_histograms_to_nhcb": "classic histograms stay classic",
    "always_scrape_classic_histograms": "pages are read as text, which always carries classic histograms",
    "scrape_native_histograms": "pages are read as text, which carries no native histograms",
}
_PATH_FIELDS: Final = frozenset(
    {"password_file", "credentials_file", "bearer_token_file", "ca_file", "cert_file", "key_file"}
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one part of the file."""

    file: str
    line: int
    what: str
    taken: bool
    sentence: str

    def __str__(self) -> str:
        word = "taken" if self.taken else "not taken"
        return f"{self.file}:{self.line}: {self.what}: {word}{f': {self.sentence}' if self.sentence else ''}"


@dataclass(slots=True)
class FoundJob:
    """A job that can be taken."""

    name: str
    document: dict[str, Any]
    file: str


@dataclass(slots=True)
class Reading:
    """Everything that a configuration says, judged."""

    jobs: list[FoundJob] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    rule_files: list[Path] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as values, with the line of each."""

    path: Path
    content: Any
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int:
        """Line of the nearest part that has one."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def load(path: Path) -> Document:
    """Read a YAML file. Raises ValueError naming the line that is broken, OSError."""
    text = path.read_bytes()
    if len(text) > MAX_FILE_BYTES:
        raise ValueError(f"{path} has {len(text)} bytes; the limit is {MAX_FILE_BYTES}")
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    return Document(path, content, dict(_lines(node, ())) if node is not None else {})


def _lines(node: Any, place: Place) -> Iterator[tuple[Place, int]]:
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = str(key.value)
            yield from _lines(value, (*place, name))
            yield (*place, name), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _lines(value, (*place, position))


def read_prometheus(path: Path) -> Reading:
    """Judge a configuration file and those that it includes. Raises ValueError, OSError."""
    document = load(path)
    if not isinstance(document.content, Mapping):
        raise ValueError(f"{path} is no Prometheus configuration: it has no fields")
    reading = Reading()
    defaults = _global(document, reading)
    for name in document.content:
        _part(document, str(name), defaults, reading)
    return reading


def _global(document: Document, reading: Reading) -> dict[str, Any]:
    found = document.content.get("global") or {}
    if not isinstance(found, Mapping):
        raise ValueError(f"{document.path}: global has no fields")
    for name in found:
        place: Place = ("global", str(name))
        if name in _GLOBAL_FIELDS:
            reading.verdicts.append(_verdict(document, place, True, "for jobs that say nothing themselves"))
        else:
            reading.verdicts.append(_verdict(document, place, False, _GLOBAL_NOT_TAKEN.get(name, "it is not known")))
    return {name: found[name] for name in _GLOBAL_FIELDS if name in found}


def _part(document: Document, name: str, defaults: Mapping[str, Any], reading: Reading) -> None:
    match name:
        case "global":
            return
        case "scrape_configs":
            _jobs(document, document.content[name], (name,), defaults, reading)
        case "scrape_config_files":
            for path in _files(document, name):
                included = load(path)
                jobs = included.content.get("scrape_configs") if isinstance(included.content, Mapping) else None
                _jobs(included, jobs, ("scrape_configs",), defaults, reading)
        case "rule_files":
            reading.rule_files += _files(document, name)
        case _:
            reading.verdicts.append(_verdict(document, (name,), False, _NOT_TAKEN.get(name, "it is not known")))


def _files(document: Document, name: str) -> list[Path]:
    patterns = document.content[name] or []
    if not isinstance(patterns, list):
        raise ValueError(f"{document.path}: {name} is no list")
    folder = document.path.resolve().parent
    return [Path(found) for pattern in patterns for found in sorted(glob.glob(str(folder / str(pattern))))]


def _jobs(document: Document, jobs: Any, place: Place, defaults: Mapping[str, Any], reading: Reading) -> None:
    if not isinstance(jobs or [], list):
        raise ValueError(f"{document.path}: {shown_path(place)} is no list of jobs")
    for position, job in enumerate(jobs or []):
        _job(document, job, (*place, position), defaults, reading)


def _job(document: Document, job: Any, place: Place, defaults: Mapping[str, Any], reading: Reading) -> None:
    name = job.get("job_name") if isinstance(job, Mapping) else None
    what = f"job {name}" if name else shown_path(place)
    try:
        if any(each.name == name for each in reading.jobs):
            raise InvalidConfig(("job_name",), f"there are two jobs of the name {name!r}")
        Section(job)
        complete = _complete(job, defaults, document.path.resolve().parent)
        found = read_job(complete)
    except InvalidConfig as error:
        reading.verdicts.append(
            Verdict(str(document.path), document.line((*place, *error.path)), what, False, str(error))
        )
        return
    lost = [remark for remark in found.remarks if str(remark.path[0]).endswith("_sd_configs")]
    if lost and not found.job.discoveries:
        reading.verdicts.append(_remarked(document, place, what, lost[0]))
        return
    reading.jobs.append(FoundJob(found.job.name, complete, str(document.path)))
    kinds = ", ".join(sorted(each for each in complete if each.endswith(("_sd_configs", "static_configs"))))
    reading.verdicts.append(
        Verdict(
            str(document.path), document.line(place), what, True, f"targets from {kinds}" if kinds else "no targets"
        )
    )
    reading.verdicts += [_remarked(document, place, what, remark) for remark in found.remarks]


def _remarked(document: Document, place: Place, what: str, remark: Remark) -> Verdict:
    line = document.line((*place, *remark.path))
    return Verdict(str(document.path), line, f"{what}, {shown_path(remark.path)}", False, remark.sentence)


def _complete(job: Mapping[str, Any], defaults: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """`job` with what `global` says, and file names made absolute."""
    interval = job.get("scrape_interval") or defaults.get("scrape_interval") or _DEFAULT_INTERVAL
    filled = {**defaults, **job, "scrape_interval": interval}
    if "scrape_timeout" not in job and "scrape_timeout" in defaults:
        # A job with a short interval of its own is not bound to a longer timeout of everybody.
        timeout = Section({"i": interval, "t": defaults["scrape_timeout"]})
        if timeout.duration_ms("t", 0) > timeout.duration_ms("i", 0):
            filled["scrape_timeout"] = interval
    absolute: dict[str, Any] = _absolute(filled, folder)
    return absolute


def _absolute(value: Any, folder: Path) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _absolute_field(str(name), item, folder) for name, item in value.items()}
    if isinstance(value, list):
        return [_absolute(item, folder) for item in value]
    return value


def _absolute_field(name: str, value: Any, folder: Path) -> Any:
    if name in _PATH_FIELDS and isinstance(value, str) and value:
        return str(folder / value)
    if name == "files" and isinstance(value, list):
        return [str(folder / item) if isinstance(item, str) else item for item in value]
    return _absolute(value, folder)


def _verdict(document: Document, place: Place, taken: bool, sentence: str) -> Verdict:
    return Verdict(str(document.path), document.line(place), shown_path(place), taken, sentence)


def take_jobs(reading: Reading, actor: str) -> tuple[int, int]:
    """Make or change the jobs; (new ones, changed ones)."""
    new = 0
    for job in reading.jobs:
        document, secrets = without_secrets(job.document)
        new += put_job(name=job.name, document=document, secrets=secrets, source=job.file, actor=actor)
    return new, len(reading.jobs) - new
