"""Parts for tests: they note what happens to them."""


class NotingPart:
    """Starts and stops at once, and writes both into `notes`."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name = name
        self.notes = notes
        self.lives = False
        self.refuses_to_start = False
        self.stops_in_time = True

    def start(self) -> None:
        if self.refuses_to_start:
            raise RuntimeError(f"{self.name} refuses")
        self.notes.append(f"start {self.name}")
        self.lives = True

    def alive(self) -> bool:
        return self.lives

    def stop(self, timeout_seconds: float) -> bool:
        self.notes.append(f"stop {self.name}")
        self.lives = False
        return self.stops_in_time


class Clock:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
