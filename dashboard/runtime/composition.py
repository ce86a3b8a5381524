"""Which parts this process runs and how its application is put together."""

from dashboard.runtime.lifespan import ASGIApp, Lifespan
from dashboard.runtime.parts import Part, Parts


def compose(django_application: ASGIApp) -> Lifespan:
    """The whole application of a web process."""
    return Lifespan(_in_front(django_application), Parts(web_parts()))


def _in_front(django_application: ASGIApp) -> ASGIApp:
    try:
        from dashboard.front import build_front  # noqa: PLC0415
    except ImportError:
        return django_application
    return build_front(django_application)


def web_parts() -> list[Part]:
    """Parts of `belvedere up`, in the order of their start."""
    try:
        from dashboard.runtime.store_part import StorePart  # noqa: PLC0415
    except ImportError:
        return []
    return [StorePart()]
