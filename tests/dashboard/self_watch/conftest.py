from tests.dashboard.runtime.conftest import events

__all__ = ["events"]
