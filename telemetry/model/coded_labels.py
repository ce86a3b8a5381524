"""Label sets as numbers: many series share few (name, value) pairs, so that grouping them is arithmetic on columns."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from telemetry.model.labels import Labels

Codes = NDArray[np.int32]
_NONE: Final = np.int32(-1)


class LabelPairs:
    """The (name, value) pairs that occur, numbered 0, 1, 2, ... in order of arrival. Grows only; codes stay."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []
        self.names: list[str] = []
        self.codes_by_name: list[list[int]] = []
        """Codes of the pairs of each name, by code of the name."""
        self._codes: dict[tuple[str, str], int] = {}
        self._name_codes: dict[str, int] = {}
        self._name_of: Codes = np.empty(1024, np.int32)

    def __len__(self) -> int:
        return len(self.pairs)

    def code(self, pair: tuple[str, str]) -> int:
        """Code of a pair, a new one if it is new. Call under the owner's lock."""
        known = self._codes.get(pair)
        return self._add(pair) if known is None else known

    def find(self, pair: tuple[str, str]) -> int | None:
        return self._codes.get(pair)

    def find_name(self, name: str) -> int | None:
        return self._name_codes.get(name)

    def name_of(self, codes: Codes | NDArray[np.int64]) -> Codes:
        """Name codes of pair codes; what stands for -1 is not to be used."""
        found: Codes = self._name_of[codes]
        return found

    def _add(self, pair: tuple[str, str]) -> int:
        code = len(self.pairs)
        name = self._name_codes.get(pair[0])
        if name is None:
            name = self._name_codes[pair[0]] = len(self.names)
            self.names.append(pair[0])
            self.codes_by_name.append([])
        if code == len(self._name_of):
            self._name_of = np.concatenate([self._name_of, np.empty_like(self._name_of)])
        self._name_of[code] = name
        self.codes_by_name[name].append(code)
        self.pairs.append(pair)
        self._codes[pair] = code
        return code


class CodedLabels(Sequence[Labels]):
    """N label sets as rows of pair codes; a Labels tuple is made only where one is looked at."""

    __slots__ = ("_vocabulary", "codes", "distinct")

    def __init__(self, vocabulary: LabelPairs, codes: Codes, *, distinct: bool) -> None:
        self._vocabulary = vocabulary
        self.codes = codes
        """int32[N, K]: pairs of each set, ascending by name; -1 where there is none, anywhere in a row."""
        self.distinct = distinct
        """Whether no two rows are known to be equal."""

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, index: int) -> Labels: ...
    @overload
    def __getitem__(self, index: slice) -> "CodedLabels": ...
    def __getitem__(self, index: int | slice) -> "Labels | CodedLabels":
        if isinstance(index, slice):
            return CodedLabels(self._vocabulary, self.codes[index], distinct=self.distinct)
        pairs = self._vocabulary.pairs
        return tuple(pairs[code] for code in self.codes[index].tolist() if code >= 0)

    def __iter__(self) -> Iterator[Labels]:
        pair = self._vocabulary.pairs.__getitem__
        if (self.codes >= 0).all():
            return (tuple(map(pair, row)) for row in self.codes.tolist())
        return (tuple([pair(code) for code in row if code >= 0]) for row in self.codes.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # compares as a list does

    def __repr__(self) -> str:
        return repr(list(self))

    def take(self, rows: NDArray[np.int64]) -> "CodedLabels":
        """These rows, in this order; no row twice."""
        return CodedLabels(self._vocabulary, self.codes[rows], distinct=self.distinct)

    def column(self, name: str) -> Codes:
        """int32[N]: code of the pair with this name in each row, -1 where there is none."""
        code = self._vocabulary.find_name(name)
        if code is None or not self.codes.shape[1]:
            return np.full(len(self), _NONE)
        found: Codes = np.where(self._has_name(code), self.codes, _NONE).max(axis=1)
        return found

    def values_of(self, name: str) -> list[str]:
        """Distinct values of one label, '' where there is none, in order of first appearance."""
        distinct, first = np.unique(self.column(name), return_index=True)
        codes = distinct[np.argsort(first)].tolist()
        return ["" if code < 0 else self._vocabulary.pairs[code][1] for code in codes]

    def without(self, names: Iterable[str]) -> "CodedLabels":
        """The sets without some labels."""
        codes, distinct = self.codes, self.distinct
        for name in names:
            column = self.column(name)
            if len(column) and (column >= 0).any():
                distinct = distinct and bool((column == column[0]).all())
                codes = np.where(codes == column[:, None], _NONE, codes)
        return CodedLabels(self._vocabulary, codes, distinct=distinct)

    def keep(self, names: Iterable[str]) -> "CodedLabels":
        """The sets with only some labels."""
        columns = [self.column(name) for name in sorted(set(names))]
        codes = np.stack(columns, axis=1) if columns else np.empty((len(self), 0), np.int32)
        return CodedLabels(self._vocabulary, codes, distinct=False)

    def groups(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(int64[N] number of each row's set, int64[G] first row of each), sets in order of first appearance."""
        if self.distinct:
            return np.arange(len(self)), np.arange(len(self))
        key = np.zeros(len(self), np.int64)
        size = 1
        for column in self._columns():
            least = int(column.min(initial=0))
            span = int(column.max(initial=0)) - least + 1
            if size * span > 1 << 62:
                key, size = _dense(key)
            key = key * span + (column - least)
            size *= span
        _, first, which = np.unique(key, return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        number = np.empty_like(order)
        number[order] = np.arange(len(order))
        return number[which], first[order]

    def equal_rows(self) -> bool:
        """Whether two rows are equal."""
        return not self.distinct and len(self.groups()[1]) < len(self)

    def in_order(self) -> NDArray[np.int64]:
        """int64[N]: rows sorted as tuples of pairs are. Equal rows keep their order."""
        if not self.codes.shape[1]:
            return np.arange(len(self))
        used = self._used()
        rank = np.empty(len(self._vocabulary) + 1, np.int64)
        rank[sorted(used.tolist(), key=self._vocabulary.pairs.__getitem__)] = np.arange(len(used))
        ranks = _left(rank[self.codes], self.codes < 0)
        return np.lexsort([ranks[:, at] for at in range(ranks.shape[1] - 1, -1, -1)])

    def _columns(self) -> Iterator[NDArray[np.int64]]:
        """One column a label name that occurs, whose values tell the rows apart."""
        for name in np.unique(self._vocabulary.name_of(self._used())).tolist():
            yield np.where(self._has_name(name), self.codes, _NONE).max(axis=1).astype(np.int64)

    def _used(self) -> NDArray[np.int64]:
        """Codes that occur, ascending."""
        marks = np.zeros(len(self._vocabulary) + 1, np.bool_)
        marks[self.codes] = True  # -1 marks the one beyond the last
        return np.flatnonzero(marks[:-1])

    def _has_name(self, code: int) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (self._vocabulary.name_of(self.codes) == code) & (self.codes >= 0)
        return found


def _dense(column: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    distinct, which = np.unique(column, return_inverse=True)
    return which.astype(np.int64), len(distinct)


def _left(ranks: NDArray[np.int64], absent: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Ranks of each row moved to the left, -1 where there is none: a shorter set comes first."""
    ranks = np.where(absent, -1, ranks)
    if not absent[:, :-1].any():
        return ranks
    order = np.argsort(absent, axis=1, kind="stable")
    return np.take_along_axis(ranks, order, axis=1)


def coded(vocabulary: LabelPairs, labels: Sequence[Labels], code: Callable[[tuple[str, str]], int]) -> Codes:
    """int32[N, K] of label sets, -1 at the right."""
    width = max(map(len, labels), default=0)
    rows = [[*map(code, one), *([-1] * (width - len(one)))] for one in labels]
    return np.array(rows, np.int32).reshape(len(labels), width)
