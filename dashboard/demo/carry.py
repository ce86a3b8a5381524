"""What a simulation carries from one stretch to the next, as JSON: so that a later run goes on without a seam.

A counter that restarted from a recomputed value would look like a reset, and its rate like a burst of traffic.
"""

from typing import Any

Carry = dict[str, Any]
"""JSON values only."""
