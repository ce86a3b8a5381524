"""The service `belvedere`: its row, its version, the target that scrapes it."""

from typing import Final

from django.conf import settings
from django.db import transaction

from collectors.pull.own_packages import OWN_ENVIRONMENT, OWN_SERVICE
from dashboard.runtime.listening import split_listen
from dashboard.version import VERSION
from fleet.actions.services import ensure_service, record_deployment
from fleet.actions.targets import TargetExists, add_target
from fleet.models import Deployment, Service, Target

ACTOR: Final = "system"


def announce(*, scraped: bool) -> None:
    """Make the service known with its version, and with its target if this process scrapes too.

    Changes nothing the second time.
    """
    with transaction.atomic():
        service = ensure_service(OWN_SERVICE, origin=Service.Origin.SELF)
        if service.origin != Service.Origin.SELF:  # its own telemetry was faster
            service.origin = Service.Origin.SELF
            service.save(update_fields=["origin"])
        _note_version(service)
        if scraped:
            _scrape(service)


def _note_version(service: Service) -> None:
    newest = Deployment.objects.filter(service=service).first()
    if newest is None or newest.version != VERSION:
        record_deployment(
            service=OWN_SERVICE,
            environment=OWN_ENVIRONMENT,
            version=VERSION,
            actor=ACTOR,
            description="first start" if newest is None else f"was {newest.version}",
        )


def _scrape(service: Service) -> None:
    """One built-in target, at the address of now."""
    url = own_metrics_url()
    Target.objects.filter(builtin=True).exclude(url=url).delete()
    try:
        target = add_target(url=url, job=OWN_SERVICE, actor=ACTOR, builtin=True)
    except TargetExists:
        return
    target.service = service
    target.save(update_fields=["service"])


def own_metrics_url() -> str:
    """Where this process answers on this machine, whatever address the others use."""
    host, port = split_listen(settings.LISTEN)
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - every address includes loopback
    return f"http://{f'[{reachable}]' if ':' in reachable else reachable}:{port}/metrics"
