"""Columns that grow, and names as small numbers: what the registry is made of."""

from typing import Generic, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

S = TypeVar("S", bound=np.generic)


class Column(Generic[S]):
    """A numpy array that grows at its end. Readers take `view`; an old view stays valid for its rows."""

    __slots__ = ("_data", "_size")

    def __init__(self, dtype: type[S]) -> None:
        self._data: NDArray[S] = np.empty(1024, dtype=dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def view(self) -> NDArray[S]:
        return self._data[: self._size]

    def append(self, value: int) -> None:
        if self._size == len(self._data):
            self._data = np.concatenate([self._data, np.empty_like(self._data)])
        self._data[self._size] = value
        self._size += 1


class Vocabulary:
    """Names and their codes, 0, 1, 2, ... in order of arrival."""

    __slots__ = ("_codes", "names")

    def __init__(self) -> None:
        self.names: list[str] = []
        self._codes: dict[str, int] = {}

    def code(self, name: str) -> int:
        """Code of `name`, a new one if it is new. Call under the owner's lock."""
        known = self._codes.get(name)
        if known is None:
            known = self._codes[name] = len(self.names)
            self.names.append(name)
        return known

    def dictionary_array(self, codes: NDArray[np.int32]) -> pa.DictionaryArray:
        """Arrow column of the names behind `codes`, without one Python string a row."""
        names = self.names
        if len(names) > 256 and len(names) * 4 > len(codes):
            present, narrow = np.unique(codes, return_inverse=True)
            codes, names = narrow.astype(np.int32), [names[code] for code in present.tolist()]
        return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(names), pa.string()))
