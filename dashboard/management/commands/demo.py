"""`belvedere demo`: a simulated fleet to look around in, sent through the real endpoints."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from collectors.outbound import OutboundError
from dashboard.demo.plan import DEFAULT_DAYS, DEFAULT_SEED, DEFAULT_SERVICES, DemoRefused, Wishes, planned
from dashboard.demo.progress import Progress
from dashboard.demo.removal import remove_demo
from dashboard.demo.run import Demo, now_in_ms
from dashboard.demo.sender import DemoFailed, sender_to
from dashboard.demo.state import DemoRuns, DemoState, DemoStateBroken, only_one
from dashboard.runtime import data_dir
from dashboard.runtime.control_client import NoServer
from dashboard.runtime.routing import run_with_store
from fleet.models import ApiToken
from fleet.tokens import create_token, revoke_token
from telemetry.store import current

INTERRUPTED: Final = 130
"""Exit status after Ctrl-C, as shells have it."""
SCOPES: Final = ("ingest:metrics", "ingest:logs", "ingest:audits", "ingest:deploys", "ingest:costs")

_TOLD: Final = (
    DemoFailed, DemoRefused, DemoRuns, DemoStateBroken, OutboundError, NoServer, data_dir.DataDirProblem
)  # fmt: skip
"""Errors whose message is all that a person needs."""


class Command(BaseCommand):
    help = "Add a simulated fleet to look around in, marked as simulated; --remove takes it out again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, metavar="N", help=f"days of history (default {DEFAULT_DAYS})")
        parser.add_argument("--services", type=int, metavar="N", help=f"services (default {DEFAULT_SERVICES})")
        parser.add_argument("--seed", type=int, metavar="N", help=f"another fleet (default {DEFAULT_SEED})")
        parser.add_argument("--live", action="store_true", help="go on sending the present until Ctrl-C")
        parser.add_argument("--remove", action="store_true", help="delete everything simulated, nothing else")
        parser.add_argument("--url", help="where to send; default: the server of the data directory")
        parser.add_argument("--token", help="API token to send with; default: one of its own")
        parser.add_argument("--here", action="store_true", help="remove in this process (the server asks itself so)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if not options["remove"]:
                self._send(options)
            elif options["here"]:
                self._remove_here()
            else:
                raise SystemExit(run_with_store("demo", ["--remove", "--here"]))
        except _TOLD as error:
            raise CommandError(str(error)) from error

    def _send(self, options: dict[str, Any]) -> None:
        url = options["url"] or own_url()
        wishes = Wishes(options["days"], options["services"], options["seed"])
        with only_one(settings.DATA_DIR), ended_by_sigterm():
            state = planned(settings.DATA_DIR, wishes, now_in_ms())
            self.stdout.write(_announcement(state, url))
            demo = Demo(settings.DATA_DIR, state, Progress(self.stdout))
            try:
                with _token(options["token"]) as token:
                    asyncio.run(_run(demo, url, token, live=options["live"]))
            except KeyboardInterrupt:
                self.stdout.write("\nStopped. The next `belvedere demo` goes on from here.")
                raise SystemExit(0 if options["live"] else INTERRUPTED) from None
        self.stdout.write(
            f"Look around at {url}. The fleet stands still now: `belvedere demo --live` keeps it running, "
            "`belvedere demo --remove` takes it out again."
        )

    def _remove_here(self) -> None:
        with only_one(settings.DATA_DIR):
            removed = remove_demo(current(), settings.DATA_DIR)
        self.stdout.write(
            f"{removed.services} simulated services removed, with {removed.rows:,} samples and log records "
            f"and {removed.charges:,} charges."
        )


async def _run(demo: Demo, url: str, token: str, *, live: bool) -> None:
    async with sender_to(url, token) as sender:
        await demo.run(sender, live=live)


@contextlib.contextmanager
def _token(given: str | None) -> Iterator[str]:
    """The token to send with: `given`, or one that lives for this run. What a killed run left is revoked."""
    if given:
        yield given
        return
    for left in ApiToken.objects.filter(simulated=True, revoked_at=None):
        revoke_token(token=left, actor="system")
    token, text = create_token(name="demo", scopes=SCOPES, actor="system", simulated=True)
    try:
        yield text
    finally:
        revoke_token(token=token, actor="system")


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def own_url() -> str:
    """Address of the server that owns the data directory. Raises CommandError if none runs."""
    holder = data_dir.holder_of(settings.DATA_DIR)
    if holder is None or not holder.listen:
        raise CommandError(
            f"no server runs on {settings.DATA_DIR}; start `belvedere up` first, or name another --data, or --url"
        )
    host, _, port = holder.listen.rpartition(":")
    return f"http://{'127.0.0.1' if host in ('', '0.0.0.0', '[::]') else host}:{port}"  # noqa: S104 - a name to compare


def _announcement(state: DemoState, url: str) -> str:
    return (
        f"{state.services} simulated services, {state.days} days of history and what came since, to {url}. "
        "They are marked as simulated everywhere."
    )
