"""Templates of rules, as Go's text/template and Prometheus' functions expand them."""

import math

import pytest

from policies.rules.template_text import TemplateProblem, parse_template
from policies.rules.templates import MOST_STEPS, Given, expand

LABELS = {"job": "api", "instance": "host-1.example.org:9100", "mount": "/var"}


def shown(text: str, value: float = 0.25, labels: dict[str, str] | None = None) -> str:
    samples = [{"Labels": {"job": "b"}, "Value": 2.0}, {"Labels": {"job": "a"}, "Value": 1.0}]
    return expand(text, Given(labels or LABELS, value, "https://b.example", lambda _: samples))


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain } text {", "plain } text {"),
        ("{{ $labels.job }}", "api"),
        ("{{$labels.missing}}|", "|"),
        ("{{ .Labels.job }} {{ .Value }}", "api 0.25"),
        ("{{ $labels }}", "map[instance:host-1.example.org:9100 job:api mount:/var]"),
        ("a  {{- $value -}}  b", "a0.25b"),
        ("a  {{- $value }}  b", "a0.25  b"),
        ("a  {{ $value -}}  b", "a  0.25b"),
        ("a {{/* nothing */}} b", "a  b"),
        ('{{ $value | printf "%.1f" }}', "0.2"),
        ('{{ printf "%.2f%% of %s" $value $labels.job }}', "0.25% of api"),
        ('{{ printf "%d" $value }}', "%!d(float64=0.25)"),
        ('{{ printf "%5.1f|%-5s|%05.1f" $value "x" $value }}', "  0.2|x    |000.2"),
        ('{{ printf "%s %s" "a" }}', "a %!s(MISSING)"),
        ('{{ printf "a" 1 }}', "a%!(EXTRA int=1)"),
        ("{{ if gt $value 0.2 }}high{{ else if gt $value 0.1 }}mid{{ else }}low{{ end }}", "high"),
        ("{{ if gt $value 0.9 }}high{{ else if gt $value 0.1 }}mid{{ else }}low{{ end }}", "mid"),
        ("{{ if gt $value 0.9 }}high{{ else if gt $value 0.8 }}mid{{ else }}low{{ end }}", "low"),
        ('{{ if eq $labels.job "api" "web" }}yes{{ end }}', "yes"),
        ("{{ with $x := $labels.job }}{{ $x | toUpper }}{{ . }}{{ end }}", "APIapi"),
        ("{{ with $labels.missing }}{{ . }}{{ else }}none{{ end }}", "none"),
        ('{{ range $i, $s := query "up" }}{{ $i }}={{ $s.Labels.job }}:{{ $s.Value }} {{ end }}', "0=b:2 1=a:1 "),
        ('{{ range query "up" | sortByLabel "job" }}{{ .Labels.job }}{{ end }}', "ab"),
        ('{{ query "up" | first | value }}', "2"),
        ('{{ (query "up" | first).Labels.job }}', "b"),
        ("{{ $a := 1 }}{{ $a = 2 }}{{ $a }}", "2"),
        ('{{ reReplaceAll "(.*):.*" "$1" $labels.instance }}', "host-1.example.org"),
        ('{{ if match "^host" $labels.instance }}host{{ end }}', "host"),
        ("{{ $labels.instance | stripPort }} {{ stripDomain $labels.instance }}", "host-1.example.org host-1:9100"),
        ("{{ externalURL }} {{ $externalURL }}", "https://b.example https://b.example"),
        ('{{ title "abc def" }} {{ len "abc" }} {{ not true }}', "Abc Def 3 false"),
        ("{{ `raw` }}", "raw"),
        ('{{ index $labels "job" }}', "api"),
        ("{{ and 1 0 }}{{ or 0 5 }}", "05"),
    ],
)
def test_templates_are_expanded(template: str, text: str) -> None:
    assert shown(template) == text


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        ("humanize", 0.0, "0"),
        ("humanize", 1234567.0, "1.235M"),
        ("humanize", 0.00001234, "12.34u"),
        ("humanize", -4000.0, "-4k"),
        ("humanize", math.inf, "+Inf"),
        ("humanize", math.nan, "NaN"),
        ("humanize1024", 1048576.0, "1Mi"),
        ("humanize1024", 0.5, "0.5"),
        ("humanize1024", 1000.0, "1000"),
        ("humanizePercentage", 0.1234567, "12.35%"),
        ("humanizePercentage", 1.0, "100%"),
        ("humanizeDuration", 0.0, "0s"),
        ("humanizeDuration", 1.0, "1s"),
        ("humanizeDuration", 12.5, "12.5s"),
        ("humanizeDuration", 0.1, "100ms"),
        ("humanizeDuration", 3661.0, "1h 1m 1s"),
        ("humanizeDuration", 899.99, "14m 59s"),
        ("humanizeDuration", -90061.0, "-1d 1h 1m 1s"),
        ("humanizeTimestamp", 1435065584.128, "2015-06-23 13:19:44.128 +0000 UTC"),
        ("print", 1e21, "1e+21"),
        ("print", 123456789.0, "1.23456789e+08"),
        ("print", 12345.0, "12345"),
        ("print", 0.00001, "1e-05"),
    ],
)
def test_numbers_are_written_for_people(function: str, value: float, text: str) -> None:
    assert shown(f"{{{{ $value | {function} }}}}", value) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{ 1 | first }}",
        "{{ index $labels 1 2 }}",
        '{{ humanize "x" }}',
        '{{ reReplaceAll "(" "" "" }}',
        "{{ $labels.job.x }}",
    ],
)
def test_a_fault_shows_in_the_text_and_nowhere_else(template: str) -> None:
    assert shown(template).startswith("<error expanding template: ")


@pytest.mark.parametrize(
    "template",
    [
        "{{",
        "{{ end }}",
        "{{ else }}",
        "{{ ( }}",
        "{{ 'ab' }}",
        "{{ 1 2 }}",
        "{{ $x }}",
        "{{ | }}",
        '{{ template "x" }}',
    ],
)
def test_what_go_would_not_parse_is_refused(template: str) -> None:
    with pytest.raises(TemplateProblem):
        parse_template(template)


def test_a_template_cannot_run_or_grow_without_bound() -> None:
    loop = '{{ range query "x" }}' * 20 + "x" + "{{ end }}" * 20
    assert f"{MOST_STEPS:,} steps" in shown(loop)
    with pytest.raises(TemplateProblem, match="too deeply"):
        parse_template("{{ " + "(" * 100 + "1" + ")" * 100 + " }}")


def test_what_labels_hold_is_never_a_template() -> None:
    assert shown("{{ $labels.x }}", labels={"x": "{{ externalURL }}"}) == "{{ externalURL }}"
