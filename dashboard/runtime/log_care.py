"""Which rules log records meet before they are stored: those of the settings, and those of the pages."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from fleet.selectors.log_care import LogCareRows, log_care_rows
from telemetry.model.errors import InvalidInput, StoreUnavailable
from telemetry.store.log_rules import LogRules
from telemetry.store.redaction import Redaction, Rule, known_rules, rules_switched_on
from telemetry.store.sampling import Sampling, SamplingRule


@dataclass(frozen=True, slots=True)
class _Made:
    rows: LogCareRows
    rules: LogRules


_made: _Made | None = None


def log_rules_now() -> LogRules:
    """Rules in force, at most seconds old.

    Raises StoreUnavailable, so that senders retry, if one has become useless.
    """
    global _made
    rows = log_care_rows()
    if _made is None or _made.rows is not rows:
        same = _made is not None and _made.rows == rows
        _made = _Made(rows, _made.rules if same and _made else _rules(rows))
    return _made.rules


def every_rule(rows: LogCareRows) -> dict[str, Rule]:
    """Every redaction rule by its name: built in, of the settings, of the page. Raises InvalidInput."""
    known = known_rules(settings.TELEMETRY["redact_patterns"])
    own = {name: Rule(name, pattern) for name, pattern in rows.patterns if name not in known}
    return {**known, **own}


def switched_on_by_settings(known: Mapping[str, Rule]) -> dict[str, tuple[Rule, ...]]:
    """Redaction rules by service that BELVEDERE_REDACT switches on. Raises InvalidInput."""
    return rules_switched_on(settings.TELEMETRY["redact"], known)


def _rules(rows: LogCareRows) -> LogRules:
    try:
        return LogRules(Redaction(_redaction(rows)), Sampling([_sampling_rule(*row) for row in rows.sampling]))
    except InvalidInput as error:
        raise StoreUnavailable(f"log records wait: {error} (Settings, Redaction)") from error


def _redaction(rows: LogCareRows) -> dict[str, tuple[Rule, ...]]:
    known = every_rule(rows)
    chosen: dict[str, dict[str, Rule]] = {
        service: {rule.name: rule for rule in rules} for service, rules in switched_on_by_settings(known).items()
    }
    for service, name in rows.switches:
        if name in known:
            chosen.setdefault(service, {})[name] = known[name]
    return {service: _in_order(rules, known) for service, rules in chosen.items()}


def _in_order(rules: Mapping[str, Rule], known: Mapping[str, Rule]) -> tuple[Rule, ...]:
    return tuple(known[name] for name in known if name in rules)


def _sampling_rule(service: str, severity_max: int, pattern: str, keep_one_in: int) -> SamplingRule:
    return SamplingRule(service, keep_one_in, severity_max, pattern)
