"""Which service and environment each charge of a bill belongs to."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fleet.mapping import UNKNOWN_SERVICE, resolve_service
from telemetry.model.errors import LimitExceeded

ENVIRONMENT_TAGS: Final = ("environment", "env", "Environment", "Env", "stage")
MAPPED_COLUMNS: Final = {
    "sub_account_id": "SubAccountId",
    "sub_account_name": "SubAccountName",
    "resource_id": "ResourceId",
    "resource_name": "ResourceName",
    "service_name": "ServiceName",
}
"""Columns that mapping rules see beside the tags, under their FOCUS names."""
MAX_SERVICES: Final = 2000
"""A bill that names more services than this has a tag mistaken for a service."""


class Owners:
    """Resolves each combination of tags and mapped columns once a bill. `bound` is the sender's own service."""

    def __init__(self, bound: str | None) -> None:
        self._bound = bound
        self._known: dict[tuple[Any, ...], tuple[str, str]] = {}
        self.services: set[str] = set()

    def of(self, table: Any) -> tuple[Any, Any]:
        """(service, environment) of each charge, '' where nothing names one. Raises LimitExceeded."""
        codes, words = distinct_rows(table, ("tags", *MAPPED_COLUMNS))
        owners = [self._owner(word) for word in words]
        self.services.update(service for service, _ in owners if service)
        if len(self.services) > MAX_SERVICES:
            raise LimitExceeded(
                f"the bill names {len(self.services)} services, over the limit of {MAX_SERVICES}: "
                "a mapping rule for costs can say which tag is the service",
                limit_name="MAX_SERVICES",
            )
        indices = pa.array(codes.astype(np.int32))
        services, environments = zip(*owners, strict=True)
        return _taken(services, indices), _taken(environments, indices)

    def _owner(self, word: tuple[Any, ...]) -> tuple[str, str]:
        if word not in self._known:
            self._known[word] = _resolved(word, self._bound)
        return self._known[word]


def _taken(words: Sequence[str], indices: Any) -> Any:
    return pc.take(pa.array(words, pa.string()), indices)


def _resolved(key: tuple[str, ...], bound: str | None) -> tuple[str, str]:
    tags = _tags(key[0])
    columns = zip(MAPPED_COLUMNS.values(), key[1:], strict=True)
    service = resolve_service("costs", [*((name, text) for name, text in columns if text), *tags.items()], bound)
    environment = next((tags[name] for name in ENVIRONMENT_TAGS if tags.get(name)), "")
    return "" if service == UNKNOWN_SERVICE else service, environment[:100]


def _tags(text: str) -> dict[str, str]:
    """Tag names and values; names without blanks around them, as exports of some clouds have."""
    tags: dict[str, Any] = orjson.loads(text) if text else {}
    return {name.strip(): _tag_text(value) for name, value in tags.items()}


def _tag_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def distinct_rows(table: Any, columns: Sequence[str]) -> tuple[NDArray[np.int64], list[tuple[Any, ...]]]:
    """(number of its combination for each row, the combinations) of these columns."""
    encoded = [_encoded(table[name]) for name in columns]
    codes = np.zeros(table.num_rows, np.int64)
    for column in encoded:
        _, codes = np.unique(codes * max(len(column.dictionary), 1) + column.indices.to_numpy(), return_inverse=True)
    _, first = np.unique(codes, return_index=True)
    found = [_values_at(column, first) for column in encoded]
    return codes, list(zip(*found, strict=True))


def _encoded(column: Any) -> Any:
    array = column.combine_chunks()
    return pc.dictionary_encode(array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array)


def _values_at(column: Any, rows: NDArray[np.int64]) -> list[Any]:
    known = column.dictionary.to_pylist()
    return [known[code] for code in column.indices.to_numpy()[rows].tolist()]
