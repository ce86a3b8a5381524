"""What a back-test is asked: everything that its result depends on, so that its key can stand for the result."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal, get_args

from policies.scaling.backtest.documents import read_policies
from policies.scaling.backtest.search import MAX_CANDIDATES

LoadKind = Literal["requests", "cpu", "query"]
MOST_POLICIES: Final = 20
MOST_STEPS: Final = 600_000
LEAST_STEPS: Final = 20


class BadQuestion(ValueError):
    """A back-test that cannot be run as asked; names the field, the value and what was expected."""


@dataclass(frozen=True, slots=True)
class Question:
    """One back-test. Times in ms, both ends included; None is learned from what was recorded."""

    service: str
    environment: str
    start_ms: int
    end_ms: int
    policies: tuple[tuple[str, str], ...] = ()
    """(name, text of the document)"""
    recorded: bool = True
    """Replay the policy that the recorded limits and target describe, too."""
    load: LoadKind = "requests"
    query: str = ""
    step_seconds: int = 15
    start_up_seconds: int = 60
    capacity: float | None = None
    objective_seconds: float = 0.5
    """95th percentile of the latency that is aimed at, where the capacity is learned."""
    price: str = "0.04"
    """Of a replica hour, a decimal number."""
    currency: str = "USD"
    search: int = 0
    """Candidates tried around each policy."""
    factor: float = 1.0
    """The load is multiplied by it: what if there were so much traffic?"""

    @property
    def steps(self) -> int:
        return (self.end_ms - self.start_ms) // (self.step_seconds * 1000) + 1

    @property
    def decisions(self) -> int:
        """Steps times plans: what the run costs."""
        return self.steps * max(1, self.search) * (len(self.policies) + self.recorded)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "policies": [list(pair) for pair in self.policies]}

    def checked(self) -> "Question":
        """Itself. Raises BadQuestion, and DocumentError for a policy that cannot be read."""
        _check_numbers(self)
        if self.load not in get_args(LoadKind):
            raise BadQuestion(f"load is {self.load!r}; expected one of {', '.join(get_args(LoadKind))}")
        if self.load == "query" and not self.query.strip():
            raise BadQuestion("query is empty; expected PromQL with one series, the load a second")
        if not self.policies and not self.recorded:
            raise BadQuestion("policies are none; expected at least one, or the recorded one")
        if len(self.policies) > MOST_POLICIES:
            raise BadQuestion(f"policies are {len(self.policies)}; expected at most {MOST_POLICIES}")
        for name, text in self.policies:
            read_policies(text, name)
        return self


def question_of(given: Mapping[str, Any]) -> Question:
    """The question in stored JSON."""
    known = {one.name for one in fields(Question)}
    values = {name: value for name, value in given.items() if name in known}
    pairs = tuple((str(name), str(text)) for name, text in values.pop("policies", ()))
    return Question(policies=pairs, **values)


def _check_numbers(question: Question) -> None:
    _within("step_seconds", question.step_seconds, 1, 3600)
    _within("start_up_seconds", question.start_up_seconds, 0, 86_400)
    _within("search", question.search, 0, MAX_CANDIDATES)
    _within("objective_seconds", question.objective_seconds, 0.000_001, 86_400)
    _within("factor", question.factor, 0.01, 100)
    if question.capacity is not None:
        _within("capacity", question.capacity, 1e-9, 1e12)
    if question.end_ms <= question.start_ms:
        raise BadQuestion("the range ends before it starts")
    if not LEAST_STEPS <= question.steps <= MOST_STEPS:
        raise BadQuestion(
            f"the range has {question.steps} steps of {question.step_seconds} s; expected {LEAST_STEPS} to {MOST_STEPS}"
        )
    try:
        price = Decimal(question.price)
    except InvalidOperation as error:
        raise BadQuestion(f"price is {question.price!r}; expected an amount such as 0.04") from error
    if not price.is_finite() or price < 0:
        raise BadQuestion(f"price is {question.price!r}; expected an amount that is not negative")


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise BadQuestion(f"{name} is {value:g}; expected {least:g} to {most:g}")
