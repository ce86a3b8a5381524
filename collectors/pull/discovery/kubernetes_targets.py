"""Objects of Kubernetes as targets, with the `__meta_kubernetes_...` labels that Prometheus gives them; pure.

Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from collectors.pull.discovery.groups import TargetGroup

Object = Mapping[str, Any]

_META: Final = "__meta_kubernetes_"
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_]")
_NODE_ADDRESSES: Final = (
    "InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname",
)  # fmt: skip


@dataclass(frozen=True)
class Cluster:
    """Everything that was listed, by role."""

    objects: Mapping[str, list[dict[str, Any]]]
    attach_node: bool = False

    @cached_property
    def pods(self) -> dict[tuple[str, str], Object]:
        return _by_name(self.objects.get("pod", []))

    @cached_property
    def services(self) -> dict[tuple[str, str], Object]:
        return _by_name(self.objects.get("service", []))

    @cached_property
    def nodes(self) -> dict[str, Object]:
        return {_meta(each).get("name", ""): each for each in self.objects.get("node", [])}

    def node_labels(self, name: str) -> dict[str, str]:
        """Labels of the node `name` for objects on it, if they are wanted."""
        node = self.nodes.get(name) if self.attach_node else None
        if node is None:
            return {}
        return {f"{_META}node_name": name, **_labels_of(node, "node", annotations=False)}


def _by_name(objects: Iterable[Object]) -> dict[tuple[str, str], Object]:
    return {(_meta(each).get("namespace", ""), _meta(each).get("name", "")): each for each in objects}


def _meta(each: Object) -> Mapping[str, Any]:
    return each.get("metadata") or {}


def _clean(name: str) -> str:
    return _NOT_IN_NAMES.sub("_", name)


def _labels_of(each: Object, kind: str, *, annotations: bool = True) -> dict[str, str]:
    found: dict[str, str] = {}
    for what, short in (("labels", "label"), ("annotations", "annotation")) if annotations else (("labels", "label"),):
        for name, value in (_meta(each).get(what) or {}).items():
            found[f"{_META}{kind}_{short}_{_clean(name)}"] = str(value)
            found[f"{_META}{kind}_{short}present_{_clean(name)}"] = "true"
    return found


def _namespace(each: Object) -> dict[str, str]:
    return {f"{_META}namespace": _meta(each).get("namespace", "")}


def _joined(host: str, port: object) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# ---- node ----------------------------------------------------------------------------------------------------


def node_targets(node: Object, cluster: Cluster) -> TargetGroup:
    """The kubelet of a node."""
    status = node.get("status") or {}
    by_type: dict[str, list[str]] = {}
    for address in status.get("addresses") or []:
        by_type.setdefault(address.get("type", ""), []).append(address.get("address", ""))
    first = next((by_type[kind][0] for kind in _NODE_ADDRESSES if kind in by_type), "")
    name = _meta(node).get("name", "")
    port = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port", 10250)
    labels = {
        f"{_META}node_name": name,
        f"{_META}node_provider_id": (node.get("spec") or {}).get("providerID", ""),
        **_labels_of(node, "node"),
    }
    target = {"__address__": _joined(first, port), "instance": name}
    target |= {f"{_META}node_address_{_clean(kind)}": found[0] for kind, found in by_type.items()}
    return TargetGroup((target,) if first else (), labels)


# ---- pod -----------------------------------------------------------------------------------------------------


def pod_targets(pod: Object, cluster: Cluster) -> TargetGroup:
    """One target a declared port of each container; one without port for a container that declares none."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    address = status.get("podIP", "")
    if not address:
        return TargetGroup((), {})
    targets: list[dict[str, str]] = []
    for kind in ("containers", "initContainers"):
        ids = {each.get("name"): each.get("containerID", "") for each in status.get(_STATUSES[kind]) or []}
        for container in spec.get(kind) or []:
            told = _container(container, ids.get(container.get("name"), ""), is_init=kind == "initContainers")
            ports = container.get("ports") or [{}]
            targets += [{**told, **_port(port), "__address__": _pod_address(address, port)} for port in ports]
    return TargetGroup(tuple(targets), {**_namespace(pod), **_pod_labels(pod, cluster)})


_STATUSES: Final = {"containers": "containerStatuses", "initContainers": "initContainerStatuses"}


def _pod_address(address: str, port: Object) -> str:
    number = port.get("containerPort")
    return _joined(address, number) if number else f"[{address}]" if ":" in address else address


def _container(container: Object, identity: str, *, is_init: bool) -> dict[str, str]:
    return {
        f"{_META}pod_container_name": container.get("name", ""),
        f"{_META}pod_container_id": identity,
        f"{_META}pod_container_image": container.get("image", ""),
        f"{_META}pod_container_init": "true" if is_init else "false",
    }


def _port(port: Object) -> dict[str, str]:
    number = port.get("containerPort")
    if not number:
        return {}
    return {
        f"{_META}pod_container_port_name": port.get("name", ""),
        f"{_META}pod_container_port_number": str(number),
        f"{_META}pod_container_port_protocol": port.get("protocol", "TCP"),
    }


def _pod_labels(pod: Object, cluster: Cluster) -> dict[str, str]:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    ready = next((each.get("status") for each in status.get("conditions") or [] if each.get("type") == "Ready"), "")
    owner: Object = next((each for each in _meta(pod).get("ownerReferences") or [] if each.get("controller")), {})
    return {
        f"{_META}pod_name": _meta(pod).get("name", ""),
        f"{_META}pod_ip": status.get("podIP", ""),
        f"{_META}pod_ready": ready.lower(),
        f"{_META}pod_phase": status.get("phase", ""),
        f"{_META}pod_node_name": spec.get("nodeName", ""),
        f"{_META}pod_host_ip": status.get("hostIP", ""),
        f"{_META}pod_uid": _meta(pod).get("uid", ""),
        f"{_META}pod_controller_kind": owner.get("kind", ""),
        f"{_META}pod_controller_name": owner.get("name", ""),
        **_labels_of(pod, "pod"),
        **cluster.node_labels(spec.get("nodeName", "")),
    }


# ---- service -------------------------------------------------------------------------------------------------


def service_targets(service: Object, cluster: Cluster) -> TargetGroup:
    """One target a port of the service, at its cluster name."""
    spec = service.get("spec") or {}
    name, namespace = _meta(service).get("name", ""), _meta(service).get("namespace", "")
    kind = spec.get("type", "ClusterIP")
    targets = []
    for port in spec.get("ports") or []:
        target = {
            "__address__": f"{name}.{namespace}.svc:{port.get('port')}",
            f"{_META}service_port_name": port.get("name", ""),
            f"{_META}service_port_number": str(port.get("port", "")),
            f"{_META}service_port_protocol": port.get("protocol", "TCP"),
            f"{_META}service_type": kind,
        }
        if kind == "ExternalName":
            target[f"{_META}service_external_name"] = spec.get("externalName", "")
        else:
            target[f"{_META}service_cluster_ip"] = spec.get("clusterIP", "")
        if kind == "LoadBalancer":
            target[f"{_META}service_loadbalancer_ip"] = spec.get("loadBalancerIP", "")
        targets.append(target)
    return TargetGroup(tuple(targets), {**_namespace(service), **_service_labels(service)})


def _service_labels(service: Object | None) -> dict[str, str]:
    if service is None:
        return {}
    return {f"{_META}service_name": _meta(service).get("name", ""), **_labels_of(service, "service")}


# ---- endpoints -----------------------------------------------------------------------------------------------


def endpoints_targets(endpoints: Object, cluster: Cluster) -> TargetGroup:
    """One target an address and port; further ports of the pods behind them are targets too."""
    place = (_meta(endpoints).get("namespace", ""), _meta(endpoints).get("name", ""))
    labels = {
        **_namespace(endpoints),
        f"{_META}endpoints_name": place[1],
        **_labels_of(endpoints, "endpoints"),
        **_service_labels(cluster.services.get(place)),
    }
    targets: list[dict[str, str]] = []
    for subset in endpoints.get("subsets") or []:
        for word, ready in (("addresses", "true"), ("notReadyAddresses", "false")):
            for address in subset.get(word) or []:
                for port in subset.get("ports") or []:
                    told = _endpoint(address, port, ready)
                    targets.append({**told, **_behind(address.get("targetRef"), port.get("port"), cluster)})
    return TargetGroup((*targets, *_other_ports(endpoints_pods(endpoints), targets, cluster)), labels)


def _endpoint(address: Object, port: Object, ready: str) -> dict[str, str]:
    found = {
        "__address__": _joined(address.get("ip", ""), port.get("port", "")),
        f"{_META}endpoint_port_name": port.get("name", ""),
        f"{_META}endpoint_port_protocol": port.get("protocol", "TCP"),
        f"{_META}endpoint_ready": ready,
        f"{_META}endpoint_hostname": address.get("hostname", ""),
        f"{_META}endpoint_node_name": address.get("nodeName", ""),
    }
    reference = address.get("targetRef") or {}
    if reference:
        found[f"{_META}endpoint_address_target_kind"] = reference.get("kind", "")
        found[f"{_META}endpoint_address_target_name"] = reference.get("name", "")
    return found


def endpoints_pods(endpoints: Object) -> list[tuple[str, str]]:
    """(namespace, name) of the pods behind the addresses."""
    found = [
        address.get("targetRef") or {}
        for subset in endpoints.get("subsets") or []
        for word in ("addresses", "notReadyAddresses")
        for address in subset.get(word) or []
    ]
    return _pod_references(found)


def _pod_references(references: Iterable[Object]) -> list[tuple[str, str]]:
    pods = [(each.get("namespace", ""), each.get("name", "")) for each in references if each.get("kind") == "Pod"]
    return list(dict.fromkeys(pods))


def _behind(reference: Object | None, port: Any, cluster: Cluster) -> dict[str, str]:
    """Labels of the pod behind an address, and of the container that has the port."""
    if not reference or reference.get("kind") != "Pod":
        return {}
    pod = cluster.pods.get((reference.get("namespace", ""), reference.get("name", "")))
    if pod is None:
        return {}
    found = _pod_labels(pod, cluster)
    for container, told in _containers(pod):
        for declared in container.get("ports") or []:
            if declared.get("containerPort") == port:
                return {**found, **told, **_port(declared)}
    return found


def _containers(pod: Object) -> Iterable[tuple[Object, dict[str, str]]]:
    status = pod.get("status") or {}
    ids = {each.get("name"): each.get("containerID", "") for each in status.get("containerStatuses") or []}
    for container in (pod.get("spec") or {}).get("containers") or []:
        yield container, _container(container, ids.get(container.get("name"), ""), is_init=False)


def _other_ports(
    pods: Iterable[tuple[str, str]], targets: list[dict[str, str]], cluster: Cluster
) -> Iterable[dict[str, str]]:
    """Declared ports of the pods that no endpoint names."""
    named = {target["__address__"] for target in targets}
    for place in pods:
        pod = cluster.pods.get(place)
        address = (pod or {}).get("status", {}).get("podIP", "")
        for container, told in _containers(pod) if pod and address else ():
            for port in container.get("ports") or []:
                at = _pod_address(address, port)
                if pod is not None and at not in named:
                    yield {**_pod_labels(pod, cluster), **told, **_port(port), "__address__": at}


# ---- endpoint slice ------------------------------------------------------------------------------------------


def endpointslice_targets(piece: Object, cluster: Cluster) -> TargetGroup:
    """As `endpoints_targets`, for the slices that replaced them."""
    namespace = _meta(piece).get("namespace", "")
    service = (_meta(piece).get("labels") or {}).get("kubernetes.io/service-name", "")
    labels = {
        **_namespace(piece),
        f"{_META}endpointslice_name": _meta(piece).get("name", ""),
        f"{_META}endpointslice_address_type": piece.get("addressType", ""),
        **_labels_of(piece, "endpointslice"),
        **_service_labels(cluster.services.get((namespace, service))),
    }
    targets: list[dict[str, str]] = []
    for endpoint in piece.get("endpoints") or []:
        for port in piece.get("ports") or []:
            for address in endpoint.get("addresses") or []:
                told = _slice_endpoint(address, endpoint, port)
                targets.append({**told, **_behind(endpoint.get("targetRef"), port.get("port"), cluster)})
    pods = _pod_references(each.get("targetRef") or {} for each in piece.get("endpoints") or [])
    return TargetGroup((*targets, *_other_ports(pods, targets, cluster)), labels)


def _slice_endpoint(address: str, endpoint: Object, port: Object) -> dict[str, str]:
    prefix = f"{_META}endpointslice_"
    found = {
        "__address__": _joined(address, port.get("port", "")),
        f"{prefix}port_name": port.get("name") or "",
        f"{prefix}port_protocol": port.get("protocol") or "TCP",
        f"{prefix}port": str(port.get("port", "")),
        f"{prefix}port_app_protocol": port.get("appProtocol") or "",
    }
    for word in ("ready", "serving", "terminating"):
        value = (endpoint.get("conditions") or {}).get(word)
        if value is not None:
            found[f"{prefix}endpoint_conditions_{word}"] = "true" if value else "false"
    for field, label in (("hostname", "hostname"), ("nodeName", "node_name"), ("zone", "zone")):
        if endpoint.get(field):
            found[f"{prefix}endpoint_{label}"] = endpoint[field]
    if reference := endpoint.get("targetRef"):
        found[f"{prefix}address_target_kind"] = reference.get("kind", "")
        found[f"{prefix}address_target_name"] = reference.get("name", "")
    for name, value in (endpoint.get("deprecatedTopology") or {}).items():
        found[f"{prefix}endpoint_topology_{_clean(name)}"] = str(value)
        found[f"{prefix}endpoint_topology_present_{_clean(name)}"] = "true"
    return found


# ---- ingress -------------------------------------------------------------------------------------------------


def ingress_targets(ingress: Object, cluster: Cluster) -> TargetGroup:
    """One target a path of each rule."""
    spec = ingress.get("spec") or {}
    secured = [host for tls in spec.get("tls") or [] for host in tls.get("hosts") or []]
    labels = {
        **_namespace(ingress),
        f"{_META}ingress_name": _meta(ingress).get("name", ""),
        f"{_META}ingress_class_name": spec.get("ingressClassName") or "",
        **_labels_of(ingress, "ingress"),
    }
    targets: list[dict[str, str]] = []
    for rule in spec.get("rules") or []:
        host = rule.get("host") or "*"
        scheme = "https" if any(_covers(each, host) for each in secured) else "http"
        told = {"__address__": host, f"{_META}ingress_scheme": scheme, f"{_META}ingress_host": host}
        paths = [each.get("path") or "/" for each in (rule.get("http") or {}).get("paths") or []] or ["/"]
        targets += [{**told, f"{_META}ingress_path": path} for path in paths]
    return TargetGroup(tuple(targets), labels)


def _covers(pattern: str, host: str) -> bool:
    """Whether a certificate for `pattern` (perhaps `*.domain`) is for `host`."""
    if pattern == host:
        return True
    return pattern.startswith("*.") and host.partition(".")[2] == pattern[2:]


TARGETS_OF: Final[dict[str, Callable[[Object, Cluster], TargetGroup]]] = {
    "node": node_targets,
    "pod": pod_targets,
    "service": service_targets,
    "endpoints": endpoints_targets,
    "endpointslice": endpointslice_targets,
    "ingress": ingress_targets,
}
"""Role -> targets of one of its objects."""
