"""The scrape cache: what stands before the values of a page is the same from scrape to scrape, so only values are read.

A layout holds every line of a page up to its value. A page whose lines begin alike needs no parsing and no lookup:
its values are converted in one go and belong to the series of the layout, position by position.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.model.samples import MetricMetadata

_COMMENT: Final = b"#"
_MOST_SHARED: Final = 4_000_000

_shared: dict[bytes, bytes] = {}
"""Targets of one kind expose the same lines: each is kept once. Emptied when it is full."""


@dataclass(frozen=True, slots=True)
class PageValues:
    """What one page says, in the order of the layout's samples."""

    values: NDArray[np.float64]
    timestamps_ms: NDArray[np.int64] | None
    """None where samples carry no time of their own."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One shape of a target's page."""

    keys: Sequence[bytes]
    """Series as they stand on the page, one a sample."""
    kept: NDArray[np.int64] | None
    """Positions of the samples that are stored, None for all of them."""
    after_relabel: int
    """Samples that metric relabelling left, duplicates included."""
    ending: tuple[bytes, ...] | None
    """Series whose absence means their end; None stands for all that are stored."""
    dropped: frozenset[bytes] = frozenset()
    """Series that metric relabelling drops."""
    twins: frozenset[bytes] = frozenset()
    """Series whose labels another one of the page has too; the first is stored."""
    metadata: Sequence[MetricMetadata] = ()
    heads: Sequence[bytes] = field(default=(), repr=False)
    """All lines up to their values, empty if the page has no lasting shape."""
    timed: bool = False
    samples_of: Callable[[Sequence[bytes]], Sequence[bytes]] | None = None
    comments_of: Callable[[Sequence[bytes]], Sequence[bytes]] | None = None
    comments: Sequence[bytes] = ()

    @property
    def stored_keys(self) -> Sequence[bytes]:
        """Series of the samples that are stored."""
        return self.keys if self.kept is None else [self.keys[at] for at in self.kept.tolist()]

    @property
    def ending_keys(self) -> Sequence[bytes]:
        return self.stored_keys if self.ending is None else self.ending

    def read(self, page: bytes, *, openmetrics: bool) -> PageValues | None:
        """Values of all samples of `page`; None if it has another shape, or values that need a second look."""
        if not self.heads or self.samples_of is None:
            return None
        found = split_page(page, timed=self.timed)
        if found is None or found.heads != self.heads:
            return None
        if self.comments_of is not None and self.comments_of(found.tails) != self.comments:
            return None
        words = self.samples_of(found.tails)
        try:
            if b"_" in b"".join(words):
                return None  # underscores are for Python alone
            values = np.array(list(map(float, words)))
            return PageValues(values, self._times(found.times, openmetrics))
        except (ValueError, OverflowError):
            return None

    def _times(self, words: Sequence[bytes], openmetrics: bool) -> NDArray[np.int64] | None:
        if not self.timed or self.samples_of is None:
            return None
        own = self.samples_of(words)
        if b"_" in b"".join(own):
            raise ValueError("underscores are for Python alone")
        times = [round(float(word) * 1000) for word in own] if openmetrics else list(map(int, own))
        return np.array(times, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class SplitPage:
    """A page line by line: everything before the value, the value, the timestamp."""

    heads: Sequence[bytes]
    tails: Sequence[bytes]
    times: Sequence[bytes] = ()


def split_page(page: bytes, *, timed: bool) -> SplitPage | None:
    """`page` cut at the last space of every line (at the last two, where samples carry times); None if it is empty."""
    lines = page.split(b"\n")
    if not lines[-1]:
        lines.pop()
    if not lines:
        return None
    # Slices and no tuples: those would be garbage that the collector walks through again and again.
    cuts = [line.rfind(b" ") for line in lines]
    heads = [line[:cut] if cut > 0 else b"" for line, cut in zip(lines, cuts, strict=True)]
    tails = [line[cut + 1 :] for line, cut in zip(lines, cuts, strict=True)]
    if not timed:
        return SplitPage(heads, tails)
    # Comments are cut once: their last word is compared as it is.
    cuts = [-1 if head[:1] == _COMMENT else head.rfind(b" ") for head in heads]
    plain = [head[:1] == _COMMENT for head in heads]
    values = [
        tail if whole else head[cut + 1 :] for head, tail, cut, whole in zip(heads, tails, cuts, plain, strict=True)
    ]
    starts = [
        head if whole else head[:cut] if cut > 0 else b"" for head, cut, whole in zip(heads, cuts, plain, strict=True)
    ]
    return SplitPage(starts, values, tails)


def with_shape(layout: Layout, page: bytes) -> Layout:
    """`layout` with the shape of the page that it was made of, if that page has one."""
    for timed in (False, True):
        found = split_page(page, timed=timed)
        if found is not None and (shaped := _shaped(layout, found, timed)) is not None:
            return shaped
    return layout


def _shaped(layout: Layout, found: SplitPage, timed: bool) -> Layout | None:
    samples, comments = [], []
    for position, head in enumerate(found.heads):
        if head[:1] == _COMMENT:
            comments.append(position)
        elif head or found.tails[position]:
            samples.append(position)
    if not samples or len(samples) != len(layout.keys):
        return None
    if any(found.heads[position] != key for position, key in zip(samples, layout.keys, strict=True)):
        return None
    comments_of = _getter(comments) if comments else None
    return replace(
        layout,
        keys=list(map(_once, layout.keys)),
        heads=list(map(_once, found.heads)),
        timed=timed,
        samples_of=_getter(samples),
        comments_of=comments_of,
        comments=comments_of(found.tails) if comments_of else (),
    )


def _getter(positions: list[int]) -> Callable[[Sequence[bytes]], Sequence[bytes]]:
    if len(positions) == 1:
        only = positions[0]
        return lambda words: (words[only],)
    getter: Callable[[Any], Any] = itemgetter(*positions)
    return getter


def _once(text: bytes) -> bytes:
    """The one object that stands for `text`."""
    if len(_shared) >= _MOST_SHARED:
        _shared.clear()
    return _shared.setdefault(text, text)
