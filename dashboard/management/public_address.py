"""The address that links printed by a command should start with."""

import os

from django.conf import settings

from dashboard.runtime.data_dir import holder_of


def public_url() -> str:
    """BELVEDERE_PUBLIC_URL if it is set; else where the server of this data directory listens; else the default."""
    holder = holder_of(settings.DATA_DIR)
    if "BELVEDERE_PUBLIC_URL" in os.environ or holder is None or not holder.listen:
        return str(settings.PUBLIC_URL)
    return f"http://{holder.listen}"
