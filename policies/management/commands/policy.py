"""`belvedere policy ...`: asks a policy what it would do, without doing it."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from policies.dependencies.files import read_policy_file
from policies.dependencies.gate import run_cases
from policies.scaling.decision_cases import BadCase, decide_all

MAX_BYTES: Final = 64 * 1024 * 1024


class Command(BaseCommand):
    help = "Ask a policy what it would decide; nothing is changed."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        decide = verbs.add_parser("decide", help="replica counts of the cases in a JSON file, as a JSON list")
        decide.add_argument("file", metavar="FILE", help="cases: kind, current_replicas, levels, target, pod states")

        test = verbs.add_parser("test", help="run the tests that stand in a dependency policy (YAML)")
        test.add_argument("file", metavar="FILE", help="policy with a list `tests`: a finding, the rules it violates")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "test":
            self._test(Path(options["file"]))
        else:
            self._decide(options)

    def _test(self, file: Path) -> None:
        results = run_cases(read_policy_file(file))
        for result in results:
            violated = ", ".join(result.violated) or "nothing"
            self.stdout.write(f"{'ok    ' if result.passed else 'FAILED'} {result.case.name}: violates {violated}")
        failed = [result for result in results if not result.passed]
        if not results:
            raise CommandError(f"{file} has no tests")
        if failed:
            wanted = ", ".join(failed[0].case.violates) or "nothing"
            raise CommandError(f"{len(failed)} of {len(results)} failed; line {failed[0].case.line} expects {wanted}")
        self.stdout.write(f"{len(results)} passed")

    def _decide(self, options: dict[str, Any]) -> None:
        try:
            decisions = decide_all(_json(Path(options["file"])))
        except BadCase as error:
            raise CommandError(f"{options['file']}: {error}") from error
        self.stdout.write(json.dumps([decision.as_dict() for decision in decisions], indent=2))


def _json(file: Path) -> object:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise CommandError(f"{file} is larger than the {MAX_BYTES} bytes that are read")
        return json.loads(file.read_bytes())
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{file} is not JSON: {error}") from error
