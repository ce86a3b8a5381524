"""The ASGI application, outermost first: lifespan, then limits, then receivers or Django."""

import os
from typing import cast

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

django_application = get_asgi_application()

from dashboard.composition import compose  # noqa: E402 - needs the apps that the line above loaded
from dashboard.runtime.lifespan import ASGIApp  # noqa: E402

application = compose(cast(ASGIApp, django_application))
