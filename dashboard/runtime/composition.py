"""Which parts a process runs and how its application is put together."""

from django.conf import settings

from dashboard.runtime.access_log import AccessLog
from dashboard.runtime.beat import BeatPart
from dashboard.runtime.control_server import ControlPart
from dashboard.runtime.lifespan import ASGIApp, Lifespan
from dashboard.runtime.parts import Part, Parts
from dashboard.runtime.store import is_embedded
from dashboard.runtime.store_part import StorePart
from dashboard.runtime.supervisor import Supervisor
from dashboard.runtime.worker import WorkerPart


def compose(django_application: ASGIApp) -> Lifespan:
    """The whole application of a web process."""
    return Lifespan(AccessLog(_in_front(django_application)), Parts(web_parts()))


def _in_front(django_application: ASGIApp) -> ASGIApp:
    try:
        from dashboard.front import build_front  # noqa: PLC0415
    except ImportError:
        return django_application
    return build_front(django_application)


def background_runs_inside() -> bool:
    """`belvedere up` does the background work too: nobody else could reach the store or the broker."""
    return is_embedded() or str(settings.BROKER_URL).startswith("memory:")


def web_parts() -> list[Part]:
    """Parts of `belvedere up`, in the order of their start."""
    background = background_parts() if background_runs_inside() else []
    return [StorePart(), *background, ControlPart(settings.DATA_DIR)]


def worker_parts() -> list[Part]:
    """Parts of `belvedere worker`, in the order of their start."""
    return [StorePart(), *background_parts()]


def background_parts() -> list[Part]:
    """Background work and the supervisor that keeps it alive."""
    parts: list[Part] = [WorkerPart(), BeatPart()]
    return [*parts, Supervisor(parts)]
