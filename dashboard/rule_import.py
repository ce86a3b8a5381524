"""`belvedere import rules FILE...`: rule files come into force, or say what is wrong with them."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from collectors.imports import ImportKind, Say
from policies.rules.document import RuleFileError
from policies.rules.files import LoadedFile, load_rule_file


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="rule files, or PrometheusRule manifests")


def _import(options: dict[str, Any], say: Say) -> str:
    loaded, failed = [], 0
    for name in options["files"]:
        path = Path(name)
        try:
            loaded.append(load_rule_file(name=str(path), text=path.read_text(encoding="utf-8"), actor="system"))
        except RuleFileError as error:
            failed += 1
            for problem in error.problems:
                say(f"{path}: {problem}")
        except UnicodeDecodeError as error:
            failed += 1
            say(f"{path}: not UTF-8: {error}")
    if failed:
        raise ValueError(f"{failed} of {len(options['files'])} files were refused; {_sentence(loaded)}")
    return _sentence(loaded)


def _sentence(loaded: list[LoadedFile]) -> str:
    groups, rules = sum(file.groups for file in loaded), sum(file.rules for file in loaded)
    return f"{len(loaded)} files with {groups} groups and {rules} rules are in force."


RULES: Final = ImportKind("recording and alerting rules of Prometheus", _arguments, _import)
