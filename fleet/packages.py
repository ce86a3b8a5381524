"""Package URLs and the ecosystems of OSV: which package of which ecosystem a purl names; pure.

Sources: https://github.com/package-url/purl-spec, https://ossf.github.io/osv-schema/#defined-ecosystems
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from packageurl import PackageURL

from fleet.osv import normalised_name

MAX_PURL_READ: Final = 4_096


class InvalidPurl(ValueError):
    """The text is no package URL; the message says why."""


@dataclass(frozen=True, slots=True)
class NamedPackage:
    """A package as OSV names it; `ecosystem` is '' for a purl type of which there are no advisories."""

    ecosystem: str
    name: str
    version: str


def package_of(purl: str) -> NamedPackage:
    """What `purl` names. Raises InvalidPurl."""
    if len(purl) > MAX_PURL_READ:
        raise InvalidPurl(f"its package URL has {len(purl)} characters; the limit is {MAX_PURL_READ}")
    try:
        url = PackageURL.from_string(purl)
    except ValueError as error:
        raise InvalidPurl(f"its package URL {purl[:100]!r} cannot be read: {error}") from error
    ecosystem, name = _ECOSYSTEMS.get(url.type, _unknown)(url)
    return NamedPackage(ecosystem, normalised_name(ecosystem, name), url.version or "")


def purl_of(ecosystem: str, name: str, version: str) -> str:
    """The package URL of a package that a file names without one; '' for ecosystems that need more than a name."""
    kind = _PLAIN_TYPES.get(ecosystem)
    if kind is None or not name:
        return ""
    separator = ":" if ecosystem == "Maven" else "/"
    namespace, _, plain = name.rpartition(separator)
    if not plain:
        return ""
    return str(PackageURL(kind, namespace or None, plain, version or None).to_string())


_Naming = Callable[[PackageURL], tuple[str, str]]


def _joined(ecosystem: str, separator: str = "/") -> _Naming:
    def name(url: PackageURL) -> tuple[str, str]:
        return ecosystem, separator.join(filter(None, (url.namespace, url.name)))

    return name


def _unknown(url: PackageURL) -> tuple[str, str]:
    return "", "/".join(filter(None, (url.namespace, url.name)))


def _qualifiers(url: PackageURL) -> Mapping[str, str]:
    return url.qualifiers if isinstance(url.qualifiers, dict) else {}


def _source_name(url: PackageURL) -> str:
    """Advisories of distributions name source packages; `upstream` says them, with a version behind an @."""
    return _qualifiers(url).get("upstream", "").partition("@")[0] or url.name


def _release(url: PackageURL) -> str:
    """The release in `distro=debian-12`, '' if it is not said."""
    return _qualifiers(url).get("distro", "").rpartition("-")[2]


def _deb(url: PackageURL) -> tuple[str, str]:
    release = _release(url)
    if url.namespace == "ubuntu":
        return (f"Ubuntu:{release}" if release else "Ubuntu"), _source_name(url)
    major = release.partition(".")[0]
    return (f"Debian:{major}" if major.isdecimal() else "Debian"), _source_name(url)


def _apk(url: PackageURL) -> tuple[str, str]:
    if url.namespace in ("wolfi", "chainguard"):
        return str(url.namespace).capitalize(), _source_name(url)
    parts = _release(url).removeprefix("v").split(".")[:2]
    return (f"Alpine:v{'.'.join(parts)}" if len(parts) == 2 else "Alpine"), _source_name(url)


_RPM: Final = {
    "redhat": "Red Hat", "rhel": "Red Hat", "rocky": "Rocky Linux", "rockylinux": "Rocky Linux",
    "almalinux": "AlmaLinux", "alma": "AlmaLinux", "opensuse": "openSUSE", "suse": "SUSE", "sles": "SUSE",
    "amazon": "Amazon Linux", "fedora": "Fedora", "centos": "CentOS",
}  # fmt: skip


def _rpm(url: PackageURL) -> tuple[str, str]:
    ecosystem = _RPM.get(url.namespace or "", "RPM")
    major = _release(url).partition(".")[0]
    return (f"{ecosystem}:{major}" if major.isdecimal() else ecosystem), url.name


_ECOSYSTEMS: Final[dict[str, _Naming]] = {
    "pypi": _joined("PyPI"),
    "npm": _joined("npm"),
    "golang": _joined("Go"),
    "maven": _joined("Maven", ":"),
    "cargo": _joined("crates.io"),
    "gem": _joined("RubyGems"),
    "nuget": _joined("NuGet"),
    "composer": _joined("Packagist"),
    "hex": _joined("Hex"),
    "pub": _joined("Pub"),
    "conan": _joined("ConanCenter"),
    "swift": _joined("SwiftURL"),
    "cran": _joined("CRAN"),
    "hackage": _joined("Hackage"),
    "githubactions": _joined("GitHub Actions"),
    "deb": _deb,
    "apk": _apk,
    "rpm": _rpm,
}

_PLAIN_TYPES: Final = {
    "PyPI": "pypi", "npm": "npm", "Go": "golang", "Maven": "maven", "crates.io": "cargo", "RubyGems": "gem",
    "NuGet": "nuget", "Packagist": "composer", "Hex": "hex", "Pub": "pub",
}  # fmt: skip
