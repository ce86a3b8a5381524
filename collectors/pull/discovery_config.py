"""Where a job looks for its targets: static lists, files, DNS, HTTP, Kubernetes; pure.

Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collectors.outbound import OutboundError, checked_url
from collectors.pull.client_config import NO_CREDENTIALS, ClientConfig, read_client
from collectors.pull.config_section import Section

KUBERNETES_ROLES: Final = ("node", "pod", "service", "endpoints", "endpointslice", "ingress")
UNKNOWN_DISCOVERIES: Final = frozenset(
    f"{kind}_sd_configs"
    for kind in (
        "azure", "consul", "digitalocean", "docker", "dockerswarm", "ec2", "eureka", "gce", "hetzner", "ionos", "kuma",
        "lightsail", "linode", "marathon", "nerve", "nomad", "openstack", "ovhcloud", "puppetdb", "scaleway",
        "serverset", "stackit", "triton", "uyuni", "vultr",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StaticList:
    """Addresses that stand in the configuration."""

    addresses: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    number: int
    """Position in the configuration."""


@dataclass(frozen=True, slots=True)
class FileDiscovery:
    """Files of target groups; the last part of a pattern may hold `*`."""

    patterns: tuple[str, ...]
    refresh_ms: int = 300_000


@dataclass(frozen=True, slots=True)
class DnsDiscovery:
    """Records of names."""

    names: tuple[str, ...]
    record: str = "SRV"
    port: int = 0
    refresh_ms: int = 30_000


@dataclass(frozen=True, slots=True)
class HttpDiscovery:
    """Target groups behind a URL."""

    url: str
    client: ClientConfig = NO_CREDENTIALS
    refresh_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class KubernetesDiscovery:
    """Objects of a cluster; an empty `api_server` is that of the cluster we run in."""

    role: str
    api_server: str = ""
    client: ClientConfig = NO_CREDENTIALS
    namespaces: tuple[str, ...] = ()
    selectors: tuple[tuple[str, str, str], ...] = ()
    """(role, label selector, field selector)"""
    attach_node: bool = False
    refresh_ms: int = 30_000


DiscoveryConfig = StaticList | FileDiscovery | DnsDiscovery | HttpDiscovery | KubernetesDiscovery


def _static(section: Section) -> StaticList:
    number = section.path[-1]
    found = StaticList(section.texts("targets"), section.pairs("labels"), number if isinstance(number, int) else 0)
    section.finish()
    for address in found.addresses:
        if "/" in address:
            raise section.wrong("targets", f"{address!r} is no host:port; paths go into metrics_path")
    return found


def _file(section: Section) -> FileDiscovery:
    found = FileDiscovery(section.texts("files"), section.duration_ms("refresh_interval", 300_000))
    section.finish()
    if not found.patterns:
        raise section.wrong("files", "names no file")
    for pattern in found.patterns:
        if not pattern.endswith((".json", ".yml", ".yaml")):
            raise section.wrong("files", f"{pattern!r} does not end in .json, .yml or .yaml")
    return found


def _dns(section: Section) -> DnsDiscovery:
    found = DnsDiscovery(
        section.texts("names"),
        section.text("type", "SRV").upper(),
        section.count("port"),
        section.duration_ms("refresh_interval", 30_000),
    )
    section.finish()
    if not found.names:
        raise section.wrong("names", "holds no name")
    if found.record not in ("A", "AAAA", "SRV", "MX", "NS"):
        raise section.wrong("type", f"{found.record!r} is none of A, AAAA, SRV, MX, NS")
    if found.record != "SRV" and not 0 < found.port < 65536:
        raise section.wrong("port", f"{found.record} records carry no port, so one from 1 to 65535 is needed")
    return found


def _http(section: Section) -> HttpDiscovery:
    url = section.text("url")
    try:
        checked_url(url)
    except OutboundError as error:
        raise section.wrong("url", str(error)) from error
    found = HttpDiscovery(url, _client(section), section.duration_ms("refresh_interval", 60_000))
    section.finish()
    return found


def _kubernetes(section: Section) -> KubernetesDiscovery:
    role = section.text("role")
    if role not in KUBERNETES_ROLES:
        raise section.wrong("role", f"{role!r} is none of {', '.join(KUBERNETES_ROLES)}")
    if section.take("kubeconfig_file"):
        raise section.wrong("kubeconfig_file", "is not supported; give api_server and credentials")
    server = section.text("api_server")
    if server:
        try:
            checked_url(server)
        except OutboundError as error:
            raise section.wrong("api_server", str(error)) from error
    namespaces: tuple[str, ...] = ()
    if named := section.section("namespaces"):
        if named.flag("own_namespace", False):
            raise named.wrong("own_namespace", "is not supported; name the namespace")
        namespaces = named.texts("names")
        named.finish()
    attach = section.section("attach_metadata")
    found = KubernetesDiscovery(
        role,
        server.rstrip("/"),
        _client(section),
        namespaces,
        tuple(_selector(each) for each in section.sections("selectors")),
        attach.flag("node", False) if attach else False,
    )
    section.finish()
    return found


def _selector(section: Section) -> tuple[str, str, str]:
    found = section.text("role"), section.text("label"), section.text("field")
    section.finish()
    return found


def _client(section: Section) -> ClientConfig:
    for without_effect in ("follow_redirects", "enable_http2"):
        section.take(without_effect)
    return read_client(section)


DISCOVERIES: Final[dict[str, Callable[[Section], DiscoveryConfig]]] = {
    "static_configs": _static,
    "file_sd_configs": _file,
    "dns_sd_configs": _dns,
    "http_sd_configs": _http,
    "kubernetes_sd_configs": _kubernetes,
}
"""Field of a scrape_config -> reader of one of its entries."""
