"""Which profile the settings ask for: one process that does everything, or processes that share servers."""

from django.conf import settings


def is_embedded() -> bool:
    """The engine runs inside one process, so that only the owner of the data directory may open it."""
    return str(settings.TELEMETRY_URL).startswith("chdb:")


def background_runs_inside() -> bool:
    """`belvedere up` does the background work too: nobody else could reach the store or the broker."""
    return is_embedded() or str(settings.BROKER_URL).startswith("memory:")
