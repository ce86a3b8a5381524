import csv
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.patterns.book import PatternBook
from telemetry.patterns.masking import masked_tokens
from telemetry.patterns.tree import TemplateTree

LOGS = Path(__file__).parents[4] / "shared" / "data" / "logs"
SYSTEMS = ("Apache", "HDFS", "Linux", "OpenSSH", "OpenStack", "Spark", "Windows", "Zookeeper")


def numbers_of(book: PatternBook, lines: list[str]) -> list[int]:
    """Number of the template that each line belongs to in the end."""
    encoded = [line.encode() for line in lines]
    ends = [sum(map(len, encoded[: place + 1])) for place in range(len(encoded))]
    found = book.number_lines(b"".join(encoded), zip([0, *ends], ends, strict=False))
    return [book.patterns[number].current().number for number in found]


def template_of(book: PatternBook, number: int) -> str:
    return " ".join(book.patterns[number].current().tokens)


def grouping_accuracy(system: str) -> float:
    """Share of lines whose group holds exactly the lines of its true template."""
    with (LOGS / system / f"{system}_2k.log_structured.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    ours, true = defaultdict(set), defaultdict(set)
    for place, number in enumerate(numbers_of(PatternBook(system, 1000), [row["Content"] for row in rows])):
        ours[number].add(place)
        true[rows[place]["EventId"]].add(place)
    whole = {frozenset(places) for places in true.values()}
    return sum(len(places) for places in ours.values() if frozenset(places) in whole) / len(rows)


@pytest.mark.skipif(not LOGS.exists(), reason="the logs of real systems are not on this machine")
def test_lines_of_real_systems_are_grouped_as_people_grouped_them():
    accuracies = [grouping_accuracy(system) for system in SYSTEMS]
    assert sum(accuracies) / len(accuracies) > 0.95
    assert min(accuracies) > 0.85


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("took 12.5 ms for id 7", "took <*> ms for id <*>"),
        ("GET /api/orders/12 from 10.0.0.7:8080", "GET <*> from <*>"),
        ("token 550e8400-e29b-41d4-a716-446655440000 expired", "token <*> expired"),
        ("trace 0af7651916cd43dd8448eb211c80319c", "trace <*>"),
        ("mail to ada@example.org bounced", "mail to <*> bounced"),
        ("at 2026-11-22T10:00:00.123Z it began", "at <*> it began"),
        ("no value in here", "no value in here"),
    ],
)
def test_what_is_plainly_a_value_is_a_wildcard(message, template):
    assert " ".join(masked_tokens(message)) == template


def test_a_very_long_message_has_a_bounded_template():
    assert len(masked_tokens("word " * 10_000)) <= 97


def test_words_of_the_programmer_stay_apart():
    tree = TemplateTree(100)
    kinds = {
        tree.add(masked_tokens(f"VM {word} (Lifecycle Event)")).number for word in ("Started", "Stopped", "Paused")
    }
    assert len(kinds) == 3


def test_many_words_in_one_place_are_values():
    tree = TemplateTree(100)
    names = ["ada", "bob", "cleo", "dan", "eve", "fay", "gus", "hal"]
    templates = [tree.add(masked_tokens(f"hello {name} welcome back")) for name in names]
    assert {template.current().number for template in templates} == {0}
    assert templates[0].current().tokens == ("hello", "<*>", "welcome", "back")


def test_what_does_not_fit_any_more_shares_one_template():
    tree = TemplateTree(3)
    numbers = {tree.add((f"{letter}x",) * (place + 1)).number for place, letter in enumerate("abcdefg")}
    assert numbers == {0, 1, 2, 3}
    assert tree.templates[3].tokens == ("<*>",)


def test_lines_that_differ_in_hexadecimal_letters_only_are_not_mixed_up():
    book = PatternBook("api", 100)
    found = numbers_of(book, ["user added", "user faced", "user added", "user bad", "user faced"])
    assert found == [0, 1, 0, 2, 1]


def test_the_message_of_a_json_line_is_grouped_and_its_fields_are_not():
    book = PatternBook("api", 100)
    lines = [
        '{"ts": 1, "event": "order 12 placed", "user": "ada"}',
        '{"ts": 2, "event": "order 13 placed", "extra": {"event": "inner"}}',
        '{"extra": {"event": "inner"}, "event": "order 14 placed"}',
        '{"event": "order 15 placed", "note": "say \\"event\\": \\"x\\""}',
    ]
    assert numbers_of(book, lines) == [0, 0, 0, 0]
    assert (book.patterns[0].field, template_of(book, 0)) == ("event", "order <*> placed")


def test_a_message_with_quotes_is_read_whole():
    book = PatternBook("api", 100)
    numbers_of(book, ['{"msg":"file \\"a b\\" is gone"}'])
    assert template_of(book, 0) == 'file "a b" is gone'


def test_an_identity_is_the_same_in_every_process():
    first, second = PatternBook("api", 100), PatternBook("api", 100)
    numbers_of(first, ["one 1", "two 2"])
    numbers_of(second, ["two 3", "one 4"])
    assert {pattern.identity for pattern in first.patterns} == {pattern.identity for pattern in second.patterns}
    assert first.patterns[0].identity == second.patterns[1].identity


def test_a_restored_pattern_keeps_its_identity_when_lines_come_again():
    book = PatternBook("api", 100)
    book.restore(42, "", "hello <*> welcome", "hello ada welcome")
    assert numbers_of(book, ["hello bob welcome"]) == [0]
    assert book.patterns[0].identity == 42


@given(st.lists(st.text(max_size=60), max_size=20))
def test_any_text_gets_a_pattern_and_the_same_one_again(lines):
    book = PatternBook("api", 50)
    numbers_of(book, lines)
    assert numbers_of(book, lines) == numbers_of(book, lines)


@given(st.text(alphabet='abcdefxyz019 {}"\\:,event', max_size=80))
def test_the_cache_answers_as_the_tree_does(line):
    book = PatternBook("api", 50)
    assert numbers_of(book, [line, line])[0] == numbers_of(book, [line])[0]
