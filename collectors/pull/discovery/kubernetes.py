"""Objects of a Kubernetes cluster, listed again and again.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import asyncio
import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from collectors.kept_connections import KeptConnections
from collectors.pull.client_config import ClientConfig, TlsConfig
from collectors.pull.discovery.groups import DiscoveryFailed, TargetGroup
from collectors.pull.discovery.http import fetched
from collectors.pull.discovery.kubernetes_targets import TARGETS_OF, Cluster
from collectors.pull.discovery_config import KubernetesDiscovery

_INSIDE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_PATHS: Final = {
    "node": "/api/v1/nodes",
    "pod": "/api/v1/pods",
    "service": "/api/v1/services",
    "endpoints": "/api/v1/endpoints",
    "endpointslice": "/apis/discovery.k8s.io/v1/endpointslices",
    "ingress": "/apis/networking.k8s.io/v1/ingresses",
}
_FURTHER: Final = {"endpoints": ("service", "pod"), "endpointslice": ("service", "pod")}
"""Roles whose objects are looked into beside those of the role itself."""
_PAGE: Final = 500
_MOST_OBJECTS: Final = 100_000


async def kubernetes_groups(config: KubernetesDiscovery, connections: KeptConnections) -> list[TargetGroup]:
    """One group an object of the role. Raises DiscoveryFailed."""
    server, client = _access(config)
    roles = [config.role, *_FURTHER.get(config.role, ())]
    if config.attach_node and config.role in ("pod", "endpoints", "endpointslice"):
        roles.append("node")
    found = await asyncio.gather(*[_objects(config, role, server, client, connections) for role in roles])
    cluster = Cluster(dict(zip(roles, found, strict=True)), config.attach_node)
    groups = [TARGETS_OF[config.role](each, cluster) for each in found[0]]
    return [group for group in groups if group.targets]


def _access(config: KubernetesDiscovery) -> tuple[str, ClientConfig]:
    """(address of the API, how to reach it): as configured, or that of the cluster we run in."""
    if config.api_server:
        return config.api_server, config.client
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise DiscoveryFailed("no api_server is given, and this process runs in no Kubernetes cluster")
    tls = TlsConfig(ca_file=str(_INSIDE / "ca.crt"))
    return f"https://{host}:{port}", ClientConfig("Bearer", credentials_file=str(_INSIDE / "token"), tls=tls)


async def _objects(
    config: KubernetesDiscovery, role: str, server: str, client: ClientConfig, connections: KeptConnections
) -> list[dict[str, Any]]:
    scopes = [""] if role == "node" or not config.namespaces else config.namespaces
    parts = [await _listed(config, role, f"{server}{_path(role, each)}", client, connections) for each in scopes]
    return [item for part in parts for item in part]


def _path(role: str, namespace: str) -> str:
    prefix, _, kind = _PATHS[role].rpartition("/")
    return f"{prefix}/namespaces/{namespace}/{kind}" if namespace else f"{prefix}/{kind}"


async def _listed(
    config: KubernetesDiscovery, role: str, url: str, client: ClientConfig, connections: KeptConnections
) -> list[dict[str, Any]]:
    query = {"limit": str(_PAGE), **_selection(config, role)}
    items: list[dict[str, Any]] = []
    while True:
        response = await fetched(f"{url}?{urlencode(query)}", {"accept": "application/json"}, client, connections)
        try:
            page = orjson.loads(response.body)
            items += page.get("items") or []
            token = (page.get("metadata") or {}).get("continue")
        except (ValueError, AttributeError, TypeError) as error:
            raise DiscoveryFailed(f"{url}: the answer is no list of objects") from error
        if len(items) > _MOST_OBJECTS:
            raise DiscoveryFailed(f"{url}: there are more than {_MOST_OBJECTS} objects")
        if not token:
            return items
        query["continue"] = token


def _selection(config: KubernetesDiscovery, role: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for of_role, label, field in config.selectors:
        if of_role == role:
            found |= {name: text for name, text in (("labelSelector", label), ("fieldSelector", field)) if text}
    return found
