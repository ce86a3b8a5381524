"""`belvedere gate`: whether an inventory may go on, by the dependency policy."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from collectors.receivers.limits import decode_limits
from dashboard.dependency_gate import check_gate
from dashboard.runtime.commands import StoreCommand
from fleet.inventory import InvalidReport
from policies.dependencies.files import read_policy_file
from policies.dependencies.gate_reports import FORMATS
from policies.dependencies.in_force import policy_in_force
from telemetry.model.errors import TelemetryError


class Command(StoreCommand):
    help = "Hold an inventory or audit against the dependency policy; exit status 1 if something violates it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="pip-audit JSON, CycloneDX, SPDX, a lock file, ...")
        parser.add_argument("--service", required=True, metavar="NAME")
        parser.add_argument("--environment", default="production", metavar="NAME")
        parser.add_argument("--policy", metavar="FILE", help="YAML instead of the policy in force")
        parser.add_argument("--format", choices=sorted(FORMATS), default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        policy = read_policy_file(Path(options["policy"])) if options["policy"] else policy_in_force()
        try:
            result = check_gate(
                _body(Path(options["file"])),
                decode_limits(),
                service=options["service"],
                environment=options["environment"],
                policy=policy,
            )
        except (InvalidReport, TelemetryError) as error:
            raise CommandError(f"{options['file']}: {error}", returncode=2) from error
        self.stdout.write(FORMATS[options["format"]](result))
        if not result.passed:
            sys.exit(1)


def _body(file: Path) -> bytes:
    limit = decode_limits().max_decoded_bytes
    try:
        if file.stat().st_size > limit:
            raise CommandError(f"{file} is larger than the {limit} bytes that are read", returncode=2)
        return file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", returncode=2) from error
