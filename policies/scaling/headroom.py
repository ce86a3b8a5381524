"""How full a resource is, as ratios of its capacity.

Source of the words: the USE method (https://www.brendangregg.com/usemethod.html).
"""


def saturation_ratio(used: float, capacity: float) -> float:
    """Share of capacity in use; above 1 where use exceeds it. Raises ValueError if capacity is not positive."""
    if not capacity > 0:
        raise ValueError(f"the capacity must be positive, not {capacity}")
    return used / capacity


def headroom_ratio(used: float, capacity: float) -> float:
    """Share of capacity that is free, 0 to 1. Raises ValueError if capacity is not positive."""
    return min(1.0, max(0.0, 1.0 - saturation_ratio(used, capacity)))
