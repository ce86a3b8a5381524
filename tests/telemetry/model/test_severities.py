import pytest

from telemetry.model.logs import SEVERITY_RANGES, severity_number_of, severity_word


@pytest.mark.parametrize(
    ("text", "number"),
    [("INFO", 9), (" warning ", 13), ("Error", 17), ("critical", 21), ("EMERG", 24), ("chatty", 0), ("", 0)],
)
def test_level_words_become_severity_numbers(text, number):
    assert severity_number_of(text) == number


@pytest.mark.parametrize(
    ("number", "word"), [(0, "unspecified"), (1, "trace"), (12, "info"), (13, "warn"), (24, "fatal")]
)
def test_severity_numbers_become_words(number, word):
    assert severity_word(number) == word


@pytest.mark.parametrize("number", [25, 255, -1])
def test_a_number_outside_the_model_is_unspecified(number):
    assert severity_word(number) == "unspecified"


def test_the_ranges_leave_no_gap():
    assert [number for _, first, last in SEVERITY_RANGES for number in range(first, last + 1)] == list(range(25))


def test_every_word_lies_in_the_range_of_its_name():
    assert all(severity_word(severity_number_of(word)) == word for word, _, _ in SEVERITY_RANGES[1:])
