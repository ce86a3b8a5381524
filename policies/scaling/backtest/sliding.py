"""Largest or smallest of the last so many rows, in constant time a row."""

import numpy as np
from numpy.typing import NDArray

Row = NDArray[np.float64]


class SlidingExtreme:
    """Extreme of the last `length` rows of `width` values, the newest included.

    Rows are taken in blocks of `length`; the extreme is that of the older block's tail and the younger block's head
    (van Herk, 1992), so a row costs two comparisons whatever the length.
    """

    def __init__(self, extreme: np.ufunc, length: int, first: Row) -> None:
        """`first` stands for every row before the first one that is pushed."""
        self._extreme = extreme
        self._length = length
        self._tails = np.repeat(first[np.newaxis], length + 1, axis=0)
        self._tails[length] = np.inf if extreme is np.minimum else -np.inf
        self._block = np.empty((length, first.size))
        self._head = self._tails[length].copy()
        self._none = self._tails[length].copy()
        self._filled = 0

    def push(self, row: Row, out: Row) -> Row:
        """The extreme with `row` as the newest, in `out`."""
        self._block[self._filled] = row
        self._extreme(self._head, row, out=self._head)
        self._filled += 1
        self._extreme(self._tails[self._filled], self._head, out=out)
        if self._filled == self._length:
            self._turn()
        return out

    def _turn(self) -> None:
        self._tails[: self._length] = self._extreme.accumulate(self._block[::-1], axis=0)[::-1]
        self._head[:] = self._none
        self._filled = 0
