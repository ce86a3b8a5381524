"""What pip-audit would report of the simulated services: real packages in versions that are really vulnerable.

Identifiers, aliases and fixed versions are those of the Python Packaging Advisory Database
(https://github.com/pypa/advisory-database); the descriptions are ours.
"""

from dataclasses import dataclass
from typing import Any, Final

from dashboard.demo.fleet import SimulatedService
from dashboard.demo.noise import one, stream_of


@dataclass(frozen=True, slots=True)
class KnownProblem:
    """An advisory that names an old version."""

    id: str
    aliases: tuple[str, ...]
    fix_versions: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True)
class Package:
    """A package in an old version with its problems, and in a version without any."""

    name: str
    old: str
    new: str
    problems: tuple[KnownProblem, ...] = ()


def _problem(id_: str, aliases: str, fixes: str, description: str) -> KnownProblem:
    return KnownProblem(id_, tuple(aliases.split()), tuple(fixes.split()), description)


PACKAGES: Final = (
    Package("requests", "2.25.1", "2.32.4", (
        _problem("PYSEC-2023-74", "CVE-2023-32681 GHSA-j8r2-6x86-q33q", "2.31.0",
                 "Proxy credentials are sent on to the destination of a redirect to HTTPS."),
    )),
    Package("urllib3", "1.26.4", "2.5.0", (
        _problem("PYSEC-2021-108", "CVE-2021-33503 GHSA-q2q7-5pp4-w6pg", "1.26.5",
                 "A crafted URL with many @ signs makes parsing take very long."),
        _problem("PYSEC-2023-192", "CVE-2023-43804 GHSA-v845-jxx5-vc9f", "2.0.6 1.26.17",
                 "The Cookie header follows redirects to another origin."),
        _problem("PYSEC-2023-212", "CVE-2023-45803 GHSA-g4mx-q9vg-27p4", "2.0.7 1.26.18",
                 "The body of a request is kept when a redirect turns it into a GET."),
    )),
    Package("jinja2", "2.11.2", "3.1.6", (
        _problem("PYSEC-2021-66", "CVE-2020-28493 SNYK-PYTHON-JINJA2-1012994 GHSA-g3rq-g295-4j3m", "2.11.3",
                 "The urlize filter uses a regular expression that can take very long."),
    )),
    Package("pyyaml", "5.3", "6.0.2", (
        _problem("PYSEC-2020-96", "CVE-2020-1747 GHSA-6757-jp84-gxfx", "5.3.1",
                 "Loading untrusted YAML with full_load runs code."),
        _problem("PYSEC-2021-142", "CVE-2020-14343 GHSA-8q59-q68h-6hv4", "5.4",
                 "Loading untrusted YAML with full_load still runs code: the earlier repair was not complete."),
    )),
    Package("cryptography", "3.3.1", "45.0.4", (
        _problem("PYSEC-2021-63", "CVE-2020-36242 GHSA-rhm9-p9w5-fwm7", "3.3.2",
                 "Encrypting several GiB in one call overflows a buffer."),
        _problem("PYSEC-2023-11", "CVE-2023-23931 GHSA-w7pp-m8wf-vj6r", "39.0.1",
                 "update_into writes into buffers that must not change."),
        _problem("PYSEC-2023-254", "CVE-2023-49083 GHSA-jfhm-5ghh-2f97", "41.0.6",
                 "Reading some PKCS7 certificates crashes the process."),
    )),
    Package("aiohttp", "3.8.1", "3.12.13", (
        _problem("PYSEC-2024-24", "CVE-2024-23334 GHSA-5h86-8mv2-jq9f", "3.9.2",
                 "Static routes that follow symbolic links serve files outside their folder."),
        _problem("PYSEC-2023-246", "CVE-2023-47627 GHSA-gfw2-4jvh-wgfg", "3.8.6",
                 "The HTTP parser written in Python lets requests be smuggled."),
    )),
    Package("certifi", "2022.9.24", "2025.6.15", (
        _problem("PYSEC-2022-42986", "CVE-2022-23491 GHSA-43fp-rhv2-5gv8", "2022.12.7",
                 "Trusts the root certificates of TrustCor."),
        _problem("PYSEC-2023-135", "CVE-2023-37920 GHSA-xqr8-7jwr-rhp7", "2023.7.22",
                 "Trusts the root certificates of e-Tugra."),
    )),
    Package("werkzeug", "2.0.3", "3.1.3", (
        _problem("PYSEC-2023-58", "CVE-2023-25577 GHSA-xg9f-g7g7-2323", "2.2.3",
                 "A form of very many parts uses up memory and processor."),
        _problem("PYSEC-2023-221", "CVE-2023-46136 GHSA-hrfv-mqp8-q5rw", "2.3.8 3.0.1",
                 "A large part of a form without line ends takes very long to parse."),
    )),
    Package("sqlparse", "0.4.1", "0.5.3", (
        _problem("PYSEC-2023-87", "CVE-2023-30608 GHSA-rrm6-wvj7-cwh2", "0.4.4",
                 "A regular expression for comments can take very long."),
    )),
    Package("pyjwt", "2.3.0", "2.10.1", (
        _problem("PYSEC-2022-202", "CVE-2022-29217 GHSA-ffqj-6fqr-9h24", "2.4.0",
                 "A public key may be taken for the secret of a symmetric algorithm."),
    )),
    Package("starlette", "0.24.0", "0.47.1", (
        _problem("PYSEC-2023-48", "CVE-2023-30798 GHSA-74m5-2c7w-9w3x", "0.25.0",
                 "A form of very many parts uses up memory."),
    )),
    Package("sqlalchemy", "1.2.17", "2.0.41", (
        _problem("PYSEC-2019-123", "CVE-2019-7164 GHSA-887w-45rq-vxgf", "1.2.18",
                 "Text given to order_by becomes SQL."),
    )),
    Package("celery", "5.2.1", "5.5.3", (
        _problem("PYSEC-2021-858", "CVE-2021-23727 SNYK-PYTHON-CELERY-2314953 GHSA-q4xr-rc97-m4xx", "5.2.2",
                 "Results of tasks that failed are trusted when they are read from the backend."),
    )),
    Package("idna", "3.4", "3.10", (
        _problem("PYSEC-2024-60", "CVE-2024-3651", "3.7", "Encoding a long crafted name takes very long."),
    )),
    Package("structlog", "24.1.0", "25.4.0"),
    Package("prometheus-client", "0.20.0", "0.22.1"),
    Package("orjson", "3.10.18", "3.10.18"),
    Package("psycopg", "3.2.9", "3.2.9"),
    Package("packaging", "24.2", "25.0"),
)  # fmt: skip

_OLD_RATIO: Final = 0.18
"""Share of packages that a service has not upgraded in production."""


def pip_audit_report(service: SimulatedService, environment: str, seed: int) -> dict[str, Any]:
    """The JSON of `pip-audit -f json` for one workload; staging has upgraded more than production."""
    ratio = _OLD_RATIO if environment == "production" else _OLD_RATIO / 3
    dependencies = [
        _dependency(package, one(stream_of(seed, service.name, package.name)) < ratio)
        for package in PACKAGES
        if one(stream_of(seed, service.name, "uses", package.name)) < 0.8
    ]
    return {"dependencies": dependencies, "fixes": []}


def _dependency(package: Package, is_old: bool) -> dict[str, Any]:
    vulns = [
        {
            "id": problem.id,
            "fix_versions": list(problem.fix_versions),
            "aliases": list(problem.aliases),
            "description": problem.description,
        }
        for problem in package.problems
        if is_old
    ]
    return {"name": package.name, "version": package.old if is_old else package.new, "vulns": vulns}
