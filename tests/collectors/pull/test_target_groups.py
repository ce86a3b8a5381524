"""Files of service discovery, as Prometheus reads them."""

import json

import pytest
import yaml

from collectors.pull.discovery.groups import InvalidTargets, TargetGroup, read_groups

GROUPS = [
    {"targets": ["10.0.0.1:9100", "10.0.0.2:9100"], "labels": {"job": "node", "env": "prod", "__meta_x": "y"}},
    {"targets": ["app.example:8443"], "labels": {
        "__scheme__": "https", "__metrics_path__": "/m", "__param_module": "http_2xx",
        "__scrape_interval__": "1m30s", "__scrape_timeout__": "500ms", "empty": "",
    }},
]  # fmt: skip


def test_json_and_yaml_say_the_same() -> None:
    groups = read_groups(json.dumps(GROUPS).encode(), is_json=True)
    assert groups == read_groups(yaml.safe_dump(GROUPS).encode(), is_json=False)
    assert groups == [
        TargetGroup(({"__address__": "10.0.0.1:9100"}, {"__address__": "10.0.0.2:9100"}), GROUPS[0]["labels"]),
        TargetGroup(({"__address__": "app.example:8443"},), GROUPS[1]["labels"]),
    ]


@pytest.mark.parametrize("content", [b"", b"[]", b"# nothing\n"])
def test_an_empty_file_has_no_targets(content: bytes) -> None:
    assert read_groups(content, is_json=content == b"[]") == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[{]", "it is broken"),
        (b"{}x", "it is broken"),
        (b'{"targets": []}', "no list of target groups"),
        (b"[1]", "group 0 is no mapping"),
        (b'[{"targets": "a:1"}]', "targets of group 0"),
        (b'[{"targets": [1]}]', "targets of group 0"),
        (b'[{"targets": ["a:1"], "labels": {"a": 1}}]', "labels of group 0"),
        (b"[" * 100_000, "it is broken"),
        (b" " * 9_000_000, "the limit is 8388608"),
        (json.dumps([{"targets": ["a:1"] * 60_000}] * 2).encode(), "more than 100000 targets"),
    ],
)
def test_something_else_is_refused_by_where_it_stands(content: bytes, sentence: str) -> None:
    with pytest.raises(InvalidTargets, match=sentence):
        read_groups(content, is_json=True)


def test_yaml_makes_no_objects_and_its_aliases_do_not_multiply() -> None:
    with pytest.raises(InvalidTargets):
        read_groups(b"!!python/object/apply:os.system ['true']", is_json=False)
    laughs = b"a: &a ['x:1','x:1','x:1']\n" + b"".join(
        b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % (name + 1, name + 1, *[name] * 9) for name in b"abcdefghi"
    )
    with pytest.raises(InvalidTargets, match="no list of target groups"):
        read_groups(laughs, is_json=False)
    many = b"- targets: &t [" + b"'x:1'," * 5000 + b"]\n" + b"- targets: *t\n" * 30
    with pytest.raises(InvalidTargets, match="more than 100000 targets"):
        read_groups(many, is_json=False)
