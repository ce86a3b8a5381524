"""What happens to log records before they are stored, as one value that may be exchanged at any time."""

from collections.abc import Callable
from dataclasses import dataclass, field

from telemetry.store.redaction import Redaction
from telemetry.store.sampling import Sampling


@dataclass(frozen=True, slots=True)
class LogRules:
    """Rules in force."""

    redaction: Redaction = field(default_factory=lambda: Redaction({}))
    sampling: Sampling = field(default_factory=Sampling)


LogRulesNow = Callable[[], LogRules]
"""Asked at each request; must be fast."""
