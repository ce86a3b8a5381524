"""Stages of a pipeline as functions over entries: each returns whether the line goes on."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import re2

from telemetry.logql.addresses import address_test
from telemetry.logql.ast import (
    Decolorize,
    DropLabels,
    JsonParser,
    KeepLabels,
    LabelFilter,
    LabelFormat,
    LineFilter,
    LineFormat,
    LineOp,
    LineTest,
    LogfmtParser,
    NamedLabel,
    PatternParser,
    RegexpParser,
    Stage,
    UnpackParser,
)
from telemetry.logql.entry import ERROR, ERROR_DETAILS, SPECIAL, Entry
from telemetry.logql.json_lines import NotJson, fields, parse_path, sanitized, texts, value_at
from telemetry.logql.label_filters import compile_filter
from telemetry.logql.logfmt import Malformed, pairs
from telemetry.logql.patterns import captures, line_test, parse_extraction
from telemetry.logql.templates.nodes import TemplateError
from telemetry.logql.templates.template import compile_template

Step = Callable[[Entry], bool]

JSON_ERROR: Final = "JSONParserErr"
LOGFMT_ERROR: Final = "LogfmtParserErr"
TEMPLATE_ERROR: Final = "TemplateFormatErr"
_ANSI: Final = re.compile(
    "[\x1b\x9b][\\[\\]()#;?]*(?:(?:(?:[a-zA-Z\\d]*(?:;[a-zA-Z\\d]*)*)?\x07)"
    "|(?:(?:\\d{1,4}(?:;\\d{0,4})*)?[\\dA-PRZcf-ntqry=><~]))",
    re.ASCII,
)
"""Terminal codes, as the npm package ansi-regex finds them."""
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


@lru_cache(maxsize=1024)
def compile_stage(stage: Stage) -> Step:  # noqa: C901 - a table
    """The stage as a function. Raises ValueError for patterns, templates and expressions that are none."""
    match stage:
        case LineFilter():
            return _line_filter(stage)
        case JsonParser():
            return _json_paths(stage) if stage.extractions else _json
        case LogfmtParser():
            return _logfmt_names(stage) if stage.extractions else _logfmt(stage)
        case RegexpParser():
            return _regexp(stage.pattern)
        case PatternParser():
            return _pattern(stage.pattern)
        case UnpackParser():
            return _unpack
        case LabelFilter():
            return compile_filter(stage.filter)
        case LineFormat():
            return _line_format(stage.template)
        case LabelFormat():
            return _label_format(stage)
        case Decolorize():
            return _decolorize
        case DropLabels():
            return _drop(stage)
        case KeepLabels():
            return _keep(stage)


# -- lines


def line_predicate(stage: LineFilter) -> Callable[[str], bool]:
    """Whether a line passes the filter. Raises ValueError."""
    tests = [_line_test(stage.op, test) for test in stage.tests]
    if len(tests) == 1:
        only = tests[0]
        return (lambda line: not only(line)) if stage.op.negative else only
    if stage.op.negative:
        return lambda line: not any(test(line) for test in tests)
    return lambda line: any(test(line) for test in tests)


def _line_filter(stage: LineFilter) -> Step:
    predicate = line_predicate(stage)
    return lambda entry: predicate(entry.line)


def _line_test(op: LineOp, test: LineTest) -> Callable[[str], bool]:
    if test.is_ip:
        if op not in (LineOp.CONTAINS, LineOp.EXCLUDES):
            raise ValueError("ip: invalid operation")
        return address_test(test.text)
    match op:
        case LineOp.CONTAINS | LineOp.EXCLUDES:
            return lambda line: test.text in line
        case LineOp.MATCHES | LineOp.MATCHES_NOT:
            search = compile_regexp(test.text, dot_matches_newline=True).search
            return lambda line: search(line) is not None
    return line_test(test.text)


@lru_cache(maxsize=256)
def compile_regexp(pattern: str, *, dot_matches_newline: bool = False) -> Any:
    """RE2 pattern. Raises ValueError with what RE2 said."""
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = dot_matches_newline
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0] if isinstance(error, re2.error) and error.args else "not UTF-8"
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"error parsing regexp: {text}: `{pattern}`") from error


def _decolorize(entry: Entry) -> bool:
    entry.line = _ANSI.sub("", entry.line)
    return True


def _line_format(template: str) -> Step:
    try:
        render = compile_template(template)
    except TemplateError as error:
        raise ValueError(f"invalid line template: template: line:1: {error}") from error

    def step(entry: Entry) -> bool:
        try:
            entry.line = render(entry.all_labels(), entry.line, entry.time_ns)
        except TemplateError as error:
            entry.fail(TEMPLATE_ERROR, f'template: line:1: executing "line": {error}')
        return True

    return step


# -- parsers


def _json(entry: Entry) -> bool:
    try:
        for name, value in fields(entry.line):
            entry.extract(name, value)
    except NotJson as error:
        entry.fail(JSON_ERROR, str(error))
    return True


def _json_paths(stage: JsonParser) -> Step:
    paths = [(_label_name(one.label), parse_path(one.expression)) for one in stage.extractions]

    def step(entry: Entry) -> bool:
        if not entry.line:
            return True
        if entry.line[0] not in '"{[':
            entry.fail(JSON_ERROR, "")
            return True
        for label, path in paths:
            try:
                value = value_at(entry.line, path)
            except NotJson:
                entry.fail(JSON_ERROR, "")
                value = None
            if value is not None:
                entry.extract(label, value)
            elif entry.get(label) is None:
                entry.set(label, "")
        return True

    return step


def _logfmt(stage: LogfmtParser) -> Step:
    def step(entry: Entry) -> bool:
        for pair in pairs(entry.line):
            if isinstance(pair, Malformed):
                if stage.strict:
                    entry.fail(LOGFMT_ERROR, str(pair))
                    break
                continue
            name, value = sanitized(pair[0]), _without_replacement(pair[1])
            if name and (value or stage.keep_empty):
                entry.extract(name, value)
        return True

    return step


def _without_replacement(value: str) -> str:
    """Loki puts a space where a byte was no character."""
    return value.replace("�", " ")


def _logfmt_names(stage: LogfmtParser) -> Step:  # noqa: C901 - a loop over pairs
    wanted: dict[str, list[str]] = {}
    for one in stage.extractions:
        wanted.setdefault(_logfmt_key(one.expression), []).append(_label_name(one.label))
    labels = [one.label for one in stage.extractions]

    def step(entry: Entry) -> bool:
        found: set[str] = set()
        for pair in pairs(entry.line):
            if isinstance(pair, Malformed):
                if stage.strict:
                    entry.fail(LOGFMT_ERROR, str(pair))
                    return True
                continue
            key, value = sanitized(pair[0]), _without_replacement(pair[1])
            for label in wanted.get(key, ()):
                if label not in found and (value or stage.keep_empty):
                    entry.extract(label, value)
                    found.add(label)
        if stage.keep_empty:
            for label in labels:
                if entry.get(label) is None:
                    entry.set(label, "")
        return True

    return step


def _logfmt_key(expression: str) -> str:
    key = expression[1:-1] if len(expression) > 1 and expression[0] == expression[-1] == '"' else expression
    if not key or re.search(r'[\s="\[\]]', key):
        raise ValueError(f"cannot parse expression [{expression}]: syntax error: unexpected token")
    return sanitized(key)


def _label_name(name: str) -> str:
    if _LABEL.fullmatch(name) is None:
        raise ValueError(f"invalid extracted label name '{name}'")
    return name


def _regexp(pattern: str) -> Step:
    compiled = compile_regexp(pattern)
    numbers = {number: name for name, number in compiled.groupindex.items()}
    names = re.findall(r"\(\?P?<([^>=!]*)>", pattern)
    for name in names:
        _label_name(name)
        if names.count(name) > 1:
            raise ValueError(f"duplicate extracted label name '{name}'")
    if not numbers:
        raise ValueError("at least one named capture must be supplied")

    def step(entry: Entry) -> bool:
        found = compiled.search(entry.line)
        if found is not None:
            for number, name in numbers.items():
                entry.extract(name, found.group(number) or "")
        return True

    return step


def _pattern(pattern: str) -> Step:
    parts = parse_extraction(pattern)

    def step(entry: Entry) -> bool:
        for name, value in captures(parts, entry.line):
            entry.extract(name, value)
        return True

    return step


def _unpack(entry: Entry) -> bool:
    if not entry.line:
        return True
    try:
        found = texts(entry.line)
    except NotJson as error:
        entry.fail(JSON_ERROR, str(error))
        return True
    packed = next((value for name, value in found if name == "_entry"), None)
    if packed is not None:
        for name, value in found:
            if name != "_entry":
                entry.extract(sanitized(name), value)
        entry.line = packed
    return True


# -- labels


def _label_format(stage: LabelFormat) -> Step:
    names = [change.label for change in stage.changes]
    for name in names:
        if name in (ERROR, ERROR_DETAILS):
            raise ValueError(f"{name} cannot be formatted")
        if names.count(name) > 1:
            raise ValueError(f"multiple label name '{name}' not allowed in a single format operation")
    changes = [
        (one.label, one.value, None if one.renames else _label_template(one.label, one.value)) for one in stage.changes
    ]

    def step(entry: Entry) -> bool:
        labels: dict[str, str] | None = None
        for label, source, render in changes:
            if render is None:
                entry.rename(source, label)
                continue
            labels = dict(entry.all_labels()) if labels is None else labels
            try:
                entry.set(label, render(labels, entry.line, entry.time_ns))
            except TemplateError as error:
                entry.fail(TEMPLATE_ERROR, f'template: label:1: executing "label": {error}')
        return True

    return step


def _label_template(label: str, template: str) -> Any:
    try:
        return compile_template(template)
    except TemplateError as error:
        raise ValueError(f"invalid template for label '{label}': template: label:1: {error}") from error


def _drop(stage: DropLabels) -> Step:
    def step(entry: Entry) -> bool:
        for one in stage.labels:
            if one.label in SPECIAL:
                _drop_special(entry, one)
                continue
            value = entry.get(one.label)
            if value is not None and (one.matcher is None or one.matcher.matches(value)):
                entry.delete(one.label)
        return True

    return step


def _drop_special(entry: Entry, one: NamedLabel) -> None:
    if one.matcher is not None and not one.matcher.matches(entry.text(one.label)):
        return
    if one.label == ERROR:
        entry.error = ""
    elif one.label == ERROR_DETAILS:
        entry.details = ""


def _keep(stage: KeepLabels) -> Step:
    kept: dict[str, list[NamedLabel]] = {}
    for one in stage.labels:
        kept.setdefault(one.label, []).append(one)

    def step(entry: Entry) -> bool:
        for name, value in list(entry.labels.items()):
            rules = kept.get(name, ())
            if name not in SPECIAL and not any(one.matcher is None or one.matcher.matches(value) for one in rules):
                entry.delete(name)
        return True

    return step
