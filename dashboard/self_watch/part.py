"""Self-watch as a part of the process."""

from prometheus_client import REGISTRY

from dashboard.self_watch.process_metrics import ProcessMetrics
from dashboard.self_watch.service import announce


class SelfWatchPart:
    """Makes the own service known and shows the process's own metrics."""

    name = "self watch"

    def __init__(self, metrics: ProcessMetrics, *, scraped: bool) -> None:
        self._metrics = metrics
        self._scraped = scraped

    def start(self) -> None:
        REGISTRY.register(self._metrics)
        announce(scraped=self._scraped)

    def alive(self) -> bool:
        return True

    def stop(self, timeout_seconds: float) -> bool:
        REGISTRY.unregister(self._metrics)
        return True
