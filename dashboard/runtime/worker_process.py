"""`belvedere worker`: background work in a process of its own, until a signal."""

import signal
import threading
from types import FrameType

from dashboard.runtime.parts import Parts


def run_until_signal(parts: Parts) -> bool:
    """Start, wait for SIGINT or SIGTERM, stop; True if everything stopped in time.

    A second signal ends the process at once: whatever jobs were left go back to the queue when their leases end.
    """
    told = threading.Event()

    def tell(number: int, frame: FrameType | None) -> None:
        if told.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        told.set()

    parts.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, tell)
    told.wait()
    return parts.stop()
