"""Redaction: what must not be stored is replaced before it is. Rules are switched on for services, none is by default.

A rule is a pattern in RE2's language that runs over whole columns at once, behind a cheap look for the characters that
it cannot do without. What is found becomes `[redacted:RULE]`. Card numbers and IBANs are checked by their check digits,
so that a number is not taken for one because of its length.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from telemetry.model.errors import InvalidInput
from telemetry.store import own_metrics

EVERY_SERVICE: Final = "*"
COLUMNS: Final = ("body", "attributes")


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to look for. `check` decides on each match of `pattern`; without it every match counts."""

    name: str
    pattern: str
    hint: str = ""
    """Text of which every match holds one character or word at least, as a pattern that is cheap to look for."""
    check: Callable[[str], bool] | None = None
    keep: str = ""
    """What stays of a match in front of the mark, as a replacement (`\\\\1`)."""


def has_luhn_digit(text: str) -> bool:
    """Whether the digits in `text` are a card number: 13 to 19 of them with Luhn's check digit, not all the same."""
    digits = [int(character) for character in text if character.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def has_iban_digits(text: str) -> bool:
    """Whether `text` is an IBAN by its check digits. Source: ISO 13616"""
    compact = text.replace(" ", "")
    return 15 <= len(compact) <= 34 and int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


BUILT_IN: Final = (
    Rule(
        "private_key",
        r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?s:.*?)(?:-----END (?:[A-Z]+ )*PRIVATE KEY-----|$)",
        "PRIVATE KEY",
    ),
    Rule(
        "api_token",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}"
        r"|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{35}|sk_live_[0-9A-Za-z]{16,}|bv_[0-9A-Za-z]{8}_[0-9A-Za-z_-]{40,}"
        r"|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})",
        "gh|glpat-|xox|AKIA|ASIA|AIza|sk_live_|bv_|eyJ",
    ),
    Rule(
        "secret",
        r"(?i)((?:password|passwd|pwd|secret|api[_-]?key|access[_-]?token|auth[_-]?token|client[_-]?secret)"
        r"\\?[\"']?\s*[:=]\s*\\?[\"']?|authorization\\?[\"']?\s*[:=]\s*\\?[\"']?(?:bearer|basic)\s+)"
        r"[^\s\"'\\,;&<>{}\[\]]{4,}",
        "(?i)passw|pwd|secret|key|token|authorization",
        keep=r"\1",
    ),
    Rule("url_password", r"([a-z][a-z0-9+.-]*://[^\s/:@\"']{0,64}:)[^\s/@\"']{1,256}@", "://", keep=r"\1"),
    Rule(
        "card_number",
        r"\b[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}\b|\b3[47]\d{2}[ -]?\d{6}[ -]?\d{5}\b",
        "",
        has_luhn_digit,
    ),
    Rule("iban", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", "", has_iban_digits),
    Rule("e_mail", r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}\b", "@"),
)
"""In the order in which they run: what is surest first."""


class Redaction:
    """Rules by service. Services without rules cost a look into a dict."""

    def __init__(self, rules: Mapping[str, tuple[Rule, ...]]) -> None:
        """`rules` by service, or for EVERY_SERVICE. Raises InvalidInput for a pattern that RE2 does not take."""
        self._rules = dict(rules)
        for rule in {rule.name: rule for chosen in rules.values() for rule in chosen}.values():
            _check_pattern(rule)

    @property
    def is_on(self) -> bool:
        return bool(self._rules)

    def of(self, service: str) -> tuple[Rule, ...]:
        """Rules for one service: its own, and those for every service."""
        own = self._rules.get(service, ())
        return (*own, *(rule for rule in self._rules.get(EVERY_SERVICE, ()) if rule not in own))

    def applied(self, records: pa.Table) -> pa.Table:
        """`records` (with a column `service`) with what their rules find replaced in body and attributes."""
        services = records["service"].cast(pa.string())
        for service in pc.unique(services).to_pylist():
            if rules := self.of(service):
                records = _replaced(records, pc.equal(services, service), rules)
        return records


def _replaced(records: pa.Table, chosen: pa.ChunkedArray, rules: tuple[Rule, ...]) -> pa.Table:
    for name in COLUMNS:
        column = records[name].combine_chunks()
        mask = chosen.combine_chunks()
        texts = column.filter(mask)
        changed = texts
        for rule in rules:
            changed = redacted(changed, rule)
        if changed is not texts:
            whole = pc.replace_with_mask(column, mask, changed)
            records = records.set_column(records.schema.get_field_index(name), name, whole)
    return records


def redacted(texts: pa.Array, rule: Rule) -> pa.Array:
    """`texts` with every match of `rule` replaced; the same array if there is none."""
    touched = found(texts, rule)
    if not touched.true_count:
        return texts
    own_metrics.REDACTED.labels(rule.name).inc(touched.true_count)
    return pc.replace_with_mask(texts, touched, marked(texts.filter(touched), rule))


def found(texts: pa.Array, rule: Rule) -> pa.BooleanArray:
    """bool[N]: which texts hold a match."""
    likely = pc.match_substring_regex(texts, rule.hint) if rule.hint else None
    if likely is not None and not likely.true_count:
        return likely
    matches = pc.match_substring_regex(texts, rule.pattern)
    if rule.check is None or not matches.true_count:
        return matches
    candidates = texts.filter(matches)
    confirmed = pc.not_equal(marked(candidates, rule), candidates)
    return pc.replace_with_mask(matches, matches, confirmed)


def marked(texts: pa.Array, rule: Rule) -> pa.Array:
    """`texts` with the marks of `rule` in place of what it finds."""
    mark = f"[redacted:{rule.name}]"
    if rule.check is None:
        after = "@" if rule.name == "url_password" else ""
        return pc.replace_substring_regex(texts, rule.pattern, f"{rule.keep}{mark}{after}")
    return pa.array([_checked(text, rule, mark) for text in texts.to_pylist()], pa.string())


def _checked(text: str, rule: Rule, mark: str) -> str:
    """`text` with the matches replaced that pass the rule's check. Only built-in rules have one; theirs are linear."""
    check = rule.check
    assert check is not None  # noqa: S101 - only such rules come here
    return re.sub(rule.pattern, lambda match: mark if check(match[0]) else match[0], text)


def _check_pattern(rule: Rule) -> None:
    try:
        pc.match_substring_regex(pa.array([""]), rule.pattern)
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"the pattern of the redaction rule {rule.name!r} is not understood: {error}") from error


def redaction_from(switched_on: str, patterns: str) -> Redaction:
    """Redaction as the settings say it: `SERVICE=RULE,RULE; *=RULE`, and own patterns as a JSON object by name.

    Raises InvalidInput naming what is not understood.
    """
    return Redaction(rules_switched_on(switched_on, known_rules(patterns)))


def known_rules(patterns: str) -> dict[str, Rule]:
    """Every rule by its name: the built-in ones and the own ones of the settings. Raises InvalidInput."""
    return {**{rule.name: rule for rule in BUILT_IN}, **_own_rules(patterns)}


def rules_switched_on(switched_on: str, known: Mapping[str, Rule]) -> dict[str, tuple[Rule, ...]]:
    """Rules by service of `SERVICE=RULE,RULE; *=RULE`. Raises InvalidInput."""
    rules: dict[str, tuple[Rule, ...]] = {}
    for part in filter(None, map(str.strip, switched_on.split(";"))):
        service, equals, names = part.rpartition("=")
        if not equals:
            raise InvalidInput(f"{part!r} names no service for its redaction rules: SERVICE=RULE,RULE or *=all")
        rules[service.strip()] = rules_named(names, known)
    return rules


def _own_rules(patterns: str) -> dict[str, Rule]:
    try:
        document = json.loads(patterns or "{}")
    except ValueError as error:
        raise InvalidInput(f"the redaction patterns are no JSON object: {error}") from error
    if not isinstance(document, dict) or not all(isinstance(pattern, str) for pattern in document.values()):
        raise InvalidInput("the redaction patterns are no JSON object of pattern texts by name")
    return {name: Rule(name, pattern) for name, pattern in document.items()}


def rules_named(names: str, known: Mapping[str, Rule]) -> tuple[Rule, ...]:
    """Rules by their names, comma-separated; `all` for all of them. Raises InvalidInput naming an unknown one."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if wanted == ["all"]:
        return tuple(known.values())
    if unknown := [name for name in wanted if name not in known]:
        raise InvalidInput(f"{unknown[0]!r} is no redaction rule; there are {', '.join(known)} and all")
    return tuple(known[name] for name in wanted)
