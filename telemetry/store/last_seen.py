"""Newest committed timestamp of each service, kept beside the hourly sightings so that "last seen" is true now."""

import numpy as np
from numpy.typing import NDArray

from telemetry.store.columns import Vocabulary


class LastSeen:
    """Written by one committing thread, read by any."""

    def __init__(self, services: Vocabulary) -> None:
        self._services = services
        self._newest_ms: NDArray[np.int64] = np.zeros(0, np.int64)

    def note(self, service_codes: NDArray[np.int32], timestamps_ms: NDArray[np.int64]) -> None:
        """Rows of these services were committed."""
        missing = len(self._services.names) - len(self._newest_ms)
        newest = np.concatenate([self._newest_ms, np.zeros(missing, np.int64)])
        np.maximum.at(newest, service_codes, timestamps_ms)
        self._newest_ms = newest

    def by_service(self) -> dict[str, int]:
        """service -> ms; services without a committed row are left out."""
        pairs = zip(self._services.names, self._newest_ms.tolist(), strict=False)
        return {service: newest for service, newest in pairs if newest}

    def forget(self, services: frozenset[str]) -> None:
        """These services have no rows any more."""
        codes = [code for code, name in enumerate(self._services.names[: len(self._newest_ms)]) if name in services]
        newest = self._newest_ms.copy()
        newest[codes] = 0
        self._newest_ms = newest

    def clear(self) -> None:
        self._newest_ms = np.zeros(0, np.int64)
