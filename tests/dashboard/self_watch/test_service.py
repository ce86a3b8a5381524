import pytest

from collectors.pull.own_packages import OWN_ENVIRONMENT, OWN_SERVICE
from dashboard.self_watch import service
from dashboard.self_watch.service import announce, own_metrics_url
from fleet.actions.services import ensure_service
from fleet.models import Deployment, Service, Target


@pytest.mark.django_db
def test_the_own_service_is_there_after_the_start_with_version_and_target(settings) -> None:
    settings.LISTEN = "127.0.0.1:8123"
    announce(scraped=True)
    own = Service.objects.get(name=OWN_SERVICE)
    assert own.origin == Service.Origin.SELF
    deployment = Deployment.objects.get(service=own)
    assert (deployment.version, deployment.environment.name) == (service.VERSION, OWN_ENVIRONMENT)
    target = Target.objects.get(builtin=True)
    assert (target.url, target.service, target.enabled) == ("http://127.0.0.1:8123/metrics", own, True)


@pytest.mark.django_db
def test_a_second_start_changes_nothing() -> None:
    announce(scraped=True)
    announce(scraped=True)
    assert Deployment.objects.count() == Target.objects.count() == Service.objects.count() == 1


@pytest.mark.django_db
def test_a_process_that_does_not_scrape_makes_no_target() -> None:
    announce(scraped=False)
    assert Service.objects.filter(name=OWN_SERVICE).exists()
    assert not Target.objects.exists()


@pytest.mark.django_db
def test_a_new_version_is_a_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    announce(scraped=True)
    monkeypatch.setattr(service, "VERSION", "99.0")
    announce(scraped=True)
    newest = Deployment.objects.first()
    assert newest is not None
    assert newest.version == "99.0"
    assert newest.description.startswith("was ")


@pytest.mark.django_db
def test_another_address_moves_the_target(settings) -> None:
    settings.LISTEN = "127.0.0.1:8123"
    announce(scraped=True)
    settings.LISTEN = "127.0.0.1:8124"
    announce(scraped=True)
    assert [target.url for target in Target.objects.filter(builtin=True)] == ["http://127.0.0.1:8124/metrics"]


@pytest.mark.django_db
def test_a_service_that_its_own_telemetry_discovered_first_becomes_the_own_one() -> None:
    ensure_service(OWN_SERVICE)
    announce(scraped=True)
    assert Service.objects.get(name=OWN_SERVICE).origin == Service.Origin.SELF


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("0.0.0.0:80", "http://127.0.0.1:80/metrics"),
        ("[::]:80", "http://[::1]:80/metrics"),
        ("[::1]:8000", "http://[::1]:8000/metrics"),
        ("192.0.2.1:8000", "http://192.0.2.1:8000/metrics"),
    ],
)
def test_the_own_metrics_are_asked_for_on_this_machine(settings, listen: str, url: str) -> None:
    settings.LISTEN = listen
    assert own_metrics_url() == url
