"""Removes what nobody needs any more: settled jobs, sessions that ended."""

from typing import Final

from django.core.management import call_command

from dashboard.accounts.upkeep import remove_expired
from fleet.jobs import JobRun, forget_old, job

TIDY_UP: Final = "runtime.tidy_up"
"""Kind of the job."""


@job(TIDY_UP)
def tidy_up(run: JobRun) -> str:
    """Job, daily."""
    call_command("clearsessions")
    remove_expired()
    return f"{forget_old()} old jobs removed"
