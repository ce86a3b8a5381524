"""Columns that grow, and names as small numbers: what the registry is made of."""

from collections.abc import Sequence
from typing import Generic, TypeVar, overload

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


class CodedTexts(Sequence[str]):
    """Texts of which many are equal; each is looked up where it is read."""

    __slots__ = ("_codes", "_names")

    def __init__(self, names: Sequence[str], codes: NDArray[np.int32]) -> None:
        self._names = names
        self._codes = codes

    def __len__(self) -> int:
        return len(self._codes)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "CodedTexts": ...
    def __getitem__(self, index: int | slice) -> "str | CodedTexts":
        if isinstance(index, slice):
            return CodedTexts(self._names, self._codes[index])
        return self._names[int(self._codes[index])]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # compares as a list does

    def __repr__(self) -> str:
        return repr(list(self))


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

    def texts(self, codes: NDArray[np.int32]) -> Sequence[str]:
        """Names behind `codes`, one for each."""
        return CodedTexts(self.names, codes)

    def dictionary_array(self, codes: NDArray[np.int32]) -> pa.DictionaryArray:
        """Arrow column of the names behind `codes`, without one Python string a row."""
        names = self.names
        if len(names) > 256 and len(names) * 4 > len(codes):
            present, narrow = np.unique(codes, return_inverse=True)
            codes, names = narrow.astype(np.int32), [names[code] for code in present.tolist()]
        return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(names), pa.string()))
