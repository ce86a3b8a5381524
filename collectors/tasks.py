"""Background work of this floor: importing this module registers the handlers of its jobs."""

from collectors.pull import advisories, own_packages
from fleet.actions import matching_again

__all__ = ["advisories", "matching_again", "own_packages"]
