"""Which parts a process runs and how its application is put together."""

from typing import Any

from django.conf import settings

from collectors.pull.scraper import Scraper
from collectors.receivers.app import ReceiverApp
from collectors.receivers.syslog import SyslogPart, SyslogSettings
from dashboard.api.health import Health
from dashboard.api.loki.tail_app import TailApp
from dashboard.front import build_front
from dashboard.runtime.access_log import AccessLog
from dashboard.runtime.beat import BeatPart
from dashboard.runtime.client_gone import ClientGone
from dashboard.runtime.control_server import ControlPart
from dashboard.runtime.lifespan import ASGIApp, Lifespan
from dashboard.runtime.one_hop import OneHop
from dashboard.runtime.parts import Part, Parts
from dashboard.runtime.profile import background_runs_inside
from dashboard.runtime.store_part import StorePart
from dashboard.runtime.supervisor import Supervisor
from dashboard.runtime.worker import WorkerPart
from dashboard.self_watch.log_shipping import LogShippingPart
from dashboard.self_watch.part import SelfWatchPart
from dashboard.self_watch.process_metrics import ProcessMetrics


def compose(django_application: ASGIApp) -> Lifespan:
    """The whole application of a web process."""
    application = TailApp(build_front(ReceiverApp(OneHop(ClientGone(django_application)))))
    return Lifespan(Health(AccessLog(application)), Parts(web_parts()))


def web_parts() -> list[Part]:
    """Parts of `belvedere up`, in the order of their start."""
    supervised = [*log_parts(), *syslog_parts()]
    if background_runs_inside():
        supervised += [WorkerPart(), BeatPart(), Scraper(loopback=True)]
    return [StorePart(), *self_watch_parts(), *supervised, Supervisor(supervised), ControlPart(settings.DATA_DIR)]


def worker_parts() -> list[Part]:
    """Parts of `belvedere worker`, in the order of their start."""
    supervised: list[Part] = [*log_parts(), WorkerPart(), BeatPart(), Scraper(shared=True)]
    return [StorePart(), *supervised, Supervisor(supervised)]


def self_watch_parts() -> list[Part]:
    """The own service: its version, its metrics."""
    if not settings.SELF_WATCH:
        return []
    return [SelfWatchPart(ProcessMetrics(settings.DATA_DIR), scraped=background_runs_inside())]


def log_parts() -> list[Part]:
    """Own log events go to the own store."""
    return [LogShippingPart()] if settings.SELF_WATCH else []


def syslog_parts() -> list[Part]:
    """Syslog, if a port is set for it."""
    configured: dict[str, Any] = settings.SYSLOG
    syslog = SyslogSettings(**configured)
    return [SyslogPart(syslog)] if syslog.is_on else []
