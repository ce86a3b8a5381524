"""Background work of this floor: importing this module registers the handlers of its jobs."""

from collectors import bills
from collectors.pull import advisories, own_packages
from fleet.actions import matching_again

__all__ = ["advisories", "bills", "matching_again", "own_packages"]
