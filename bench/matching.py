"""How long matching takes: every component of many services against the advisories, and after one changed advisory.

    python bench/matching.py --advisories all.zip --services 200 --components 200

Prints wall clock and CPU seconds. Uses a data directory of its own, which it removes.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> None:
    """Parse, fill, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--advisories", required=True, type=Path)
    parser.add_argument("--services", type=int, default=200)
    parser.add_argument("--components", type=int, default=200)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="belvedere-bench-") as folder:
        _start(folder)
        _measure(chosen.advisories, chosen.services, chosen.components)


def _start(folder: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "dashboard.settings"
    os.environ["BELVEDERE_DATA"] = folder
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _measure(advisories: Path, services: int, components: int) -> None:
    from collectors.pull.osv_feed import feed_documents
    from fleet.actions.advisories import import_advisories
    from fleet.actions.matching_again import match_again
    from fleet.models import Component, Finding

    _timed(
        "import of the advisories",
        lambda: import_advisories(
            feed="bench", source=str(advisories), documents=feed_documents(advisories), actor="bench"
        ),
    )
    _timed("filling", lambda: _fill(services, components))
    _timed("full match, findings are new", match_again)
    _timed("full match, nothing changes", match_again)
    one = next(iter(Finding.objects.values_list("ecosystem", "package")[:1]))
    _timed(f"match after one changed advisory ({one[1]})", lambda: match_again({one}))
    print(f"{Component.objects.count():,} components, {Finding.objects.count():,} findings")


def _fill(services: int, components: int) -> None:
    from fleet.models import AffectedPackage, AuditReport, Component, Environment, Service

    chance = random.Random(7)
    named = sorted(set(AffectedPackage.objects.values_list("package", flat=True)))
    known = [*named, *(f"harmless-{number}" for number in range(len(named) * 3))]
    place = Environment.objects.create(name="production", production=True)
    for number in range(services):
        service = Service.objects.create(name=f"service-{number}")
        report = AuditReport.objects.create(service=service, environment=place, format="pip-audit", sha256=str(number))
        Component.objects.bulk_create(
            Component(
                report=report, ecosystem="PyPI", name=name, version=f"{chance.randrange(6)}.{chance.randrange(20)}"
            )
            for name in chance.sample(known, components)
        )


def _timed(what: str, work: Callable[[], object]) -> None:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    print(f"{what}: {time.perf_counter() - wall:.2f} s wall, {time.process_time() - processor:.2f} s CPU")


if __name__ == "__main__":
    main()
