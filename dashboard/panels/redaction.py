"""What redaction rules would have touched lately: counted on a sample of the newest records, shown masked."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from telemetry.model.logs import LogRecord
from telemetry.store import LogQuery, TelemetryStore
from telemetry.store.redaction import EVERY_SERVICE, Rule, found, marked

SAMPLED_RECORDS: Final = 5000
HOURS: Final = 6
_EXAMPLES: Final = 3
_AROUND: Final = 60
_LONGEST: Final = 400
_NS: Final = 1_000_000_000

FINDS: Final = {
    "private_key": "PEM blocks of private keys",
    "api_token": "tokens of GitHub, GitLab, Slack, AWS, Google, Stripe and Belvedere; JSON web tokens",
    "secret": "what follows password=, secret:, api_key=, Authorization: Bearer and the like",
    "url_password": "the password in scheme://user:password@host",
    "card_number": "card numbers with a right check digit",
    "iban": "bank accounts (IBAN) with right check digits",
    "e_mail": "e-mail addresses",
}


@dataclass(frozen=True, slots=True)
class SampledRecords:
    """The newest records of a service."""

    bodies: pa.Array
    attributes: pa.Array
    hours: float
    """How far back they go."""

    def __len__(self) -> int:
        return len(self.bodies)

    @property
    def is_everything(self) -> bool:
        """Whether there are no more records in those hours."""
        return len(self) < SAMPLED_RECORDS


@dataclass(frozen=True, slots=True)
class RulePreview:
    """What one rule would have touched among the sampled records."""

    name: str
    finds: str
    pattern: str
    is_own: bool
    touched: int
    ratio: float | None
    """None without records."""
    examples: list[str]
    """Masked, cut around the mark."""
    by_settings: bool
    switched_on: bool


def sampled_records(store: TelemetryStore, service: str) -> SampledRecords:
    """The newest records of `service` (`*` for all) of the last hours. Raises TelemetryError."""
    now = time.time_ns()
    start = now - HOURS * 3600 * _NS
    services = () if service == EVERY_SERVICE else (service,)
    records = store.search_logs(LogQuery(start, now, services=services, limit=SAMPLED_RECORDS))
    oldest = records[-1].timestamp_ns if len(records) == SAMPLED_RECORDS else start
    return SampledRecords(_texts(record.body for record in records), _attributes(records), (now - oldest) / 3600 / _NS)


def rule_previews(
    records: SampledRecords, known: Mapping[str, Rule], own: Sequence[str], by_settings: set[str], on: set[str]
) -> list[RulePreview]:
    """One row a rule, in the order in which they run."""
    return [
        RulePreview(
            name,
            FINDS.get(name, ""),
            rule.pattern,
            name in own,
            *_touched(records, rule),
            by_settings=name in by_settings,
            switched_on=name in on,
        )
        for name, rule in known.items()
    ]


def masked(text: str, rule: Rule) -> str | None:
    """`text` as `rule` would leave it; None if it finds nothing."""
    texts = _texts([text])
    return str(marked(texts, rule)[0].as_py()) if found(texts, rule).true_count else None


def _touched(records: SampledRecords, rule: Rule) -> tuple[int, float | None, list[str]]:
    if not len(records):
        return 0, None, []
    in_body, in_attributes = found(records.bodies, rule), found(records.attributes, rule)
    touched = pc.or_(in_body, in_attributes).true_count
    texts = pa.concat_arrays([records.bodies.filter(in_body), records.attributes.filter(in_attributes)])
    examples = dict.fromkeys(_cut(text, rule.name) for text in marked(texts.slice(0, 50), rule).to_pylist())
    return touched, touched / len(records), list(examples)[:_EXAMPLES]


def _cut(text: str, name: str) -> str:
    """The surroundings of the first mark."""
    at = max(text.find(f"[redacted:{name}]"), 0)
    start, end = max(at - _AROUND, 0), at + len(name) + _AROUND
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"[:_LONGEST]


def _texts(texts: Iterable[str]) -> pa.Array:
    return pa.array(list(texts), pa.string())


def _attributes(records: Sequence[LogRecord]) -> pa.Array:
    return _texts([orjson.dumps(record.attributes, default=str).decode() for record in records])
