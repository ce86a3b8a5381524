"""Targets are found in DNS, behind URLs and in a Kubernetes cluster, with the labels that Prometheus gives them."""

import asyncio
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from collectors.kept_connections import KeptConnections
from collectors.outbound import OutboundPolicy
from collectors.pull.client_config import ClientConfig
from collectors.pull.discovery.dns import dns_groups
from collectors.pull.discovery.groups import DiscoveryFailed, TargetGroup
from collectors.pull.discovery.http import http_groups
from collectors.pull.discovery.kubernetes import kubernetes_groups
from collectors.pull.discovery_config import DnsDiscovery, HttpDiscovery, KubernetesDiscovery
from tests.collectors.pull.dns_server import DnsServer
from tests.collectors.web_server import reply

META = "__meta_kubernetes_"


def run(look, config, *, loopback: bool = True) -> list[TargetGroup]:
    async def looked() -> list[TargetGroup]:
        async with KeptConnections(OutboundPolicy(loopback=loopback)) as connections:
            return await look(config, connections)

    return asyncio.run(looked())


@pytest.fixture
def dns_server():
    server = DnsServer(
        {
            ("web.test", "A"): ["10.0.0.1", "10.0.0.2"],
            ("web.test", "AAAA"): ["fd00::1"],
            ("_m._tcp.test", "SRV"): ["0 5 9100 a.test.", "0 5 9101 b.test."],
            ("test", "MX"): ["10 mail.test."],
        }
    )
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("config", "addresses", "labels"),
    [
        (DnsDiscovery(("web.test",), "A", 80), ["10.0.0.1:80", "10.0.0.2:80"], {"__meta_dns_name": "web.test"}),
        (DnsDiscovery(("web.test",), "AAAA", 80), ["[fd00::1]:80"], {}),
        (
            DnsDiscovery(("_m._tcp.test",)),
            ["a.test:9100", "b.test:9101"],
            {"__meta_dns_srv_record_target": "a.test.", "__meta_dns_srv_record_port": "9100"},
        ),
        (DnsDiscovery(("test",), "MX", 25), ["mail.test:25"], {"__meta_dns_mx_record_target": "mail.test."}),
        (DnsDiscovery(("gone.test",), "A", 80), [], {}),
    ],
)
def test_targets_are_found_in_dns(dns_server, config, addresses, labels) -> None:
    (group,) = asyncio.run(dns_groups(config, (dns_server.address,)))
    assert sorted(target["__address__"] for target in group.targets) == addresses
    first = min(group.targets, key=lambda target: target["__address__"], default={})
    assert labels.items() <= first.items()


def test_targets_are_found_behind_a_url_with_credentials(serve) -> None:
    groups = [{"targets": ["a:1"], "labels": {"zone": "b"}}]
    served = serve(lambda handler: reply(handler, json.dumps(groups).encode(), Content_Type="application/json"))
    config = HttpDiscovery(f"{served.url}/sd", ClientConfig("Bearer", "sesame"))
    assert run(http_groups, config) == [
        TargetGroup(({"__address__": "a:1"},), {"zone": "b", "__meta_url": f"{served.url}/sd"})
    ]
    headers = served.requests[0][1]
    assert (headers["authorization"], headers["x-prometheus-refresh-interval-seconds"]) == ("Bearer sesame", "60")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda handler: reply(handler, b"[]", status=500), "the server answered 500"),
        (lambda handler: reply(handler, b"[]", Content_Type="text/html"), "'text/html' instead of application/json"),
        (lambda handler: reply(handler, b"{}", Content_Type="application/json"), None),
        (lambda handler: reply(handler, b"[1]", Content_Type="application/json"), "group 0 is no mapping"),
    ],
)
def test_a_url_that_does_not_answer_with_targets_is_a_failure(serve, answer, sentence) -> None:
    config = HttpDiscovery(serve(answer).url)
    if sentence is None:
        assert run(http_groups, config) == []
        return
    with pytest.raises(DiscoveryFailed, match=sentence):
        run(http_groups, config)


def test_discovery_goes_nowhere_that_requests_may_not_go(serve) -> None:
    served = serve(lambda handler: reply(handler, b"[]", Content_Type="application/json"))
    with pytest.raises(DiscoveryFailed, match="this machine itself, which is not allowed here"):
        run(http_groups, HttpDiscovery(served.url), loopback=False)
    with pytest.raises(DiscoveryFailed, match="never fetched from"):
        run(http_groups, HttpDiscovery("http://169.254.169.254/sd"))
    assert served.requests == []


# ---- a small Kubernetes --------------------------------------------------------------------------------------

POD = {
    "metadata": {
        "name": "web-1", "namespace": "shop", "uid": "u1", "labels": {"app.kubernetes.io/name": "web"},
        "annotations": {"prometheus.io/scrape": "true"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web", "controller": True}],
    },
    "spec": {
        "nodeName": "n1",
        "containers": [
            {"name": "app", "image": "web:1", "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]},
            {"name": "side", "image": "s:1"},
        ],
        "initContainers": [{"name": "init", "image": "i:1"}],
    },
    "status": {
        "podIP": "10.1.0.1", "hostIP": "10.0.0.1", "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "app", "containerID": "docker://abc"}],
    },
}  # fmt: skip
SERVICE = {
    "metadata": {"name": "web", "namespace": "shop", "labels": {"team": "a"}},
    "spec": {"type": "ClusterIP", "clusterIP": "10.2.0.1", "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]},
}
REFERENCE = {"kind": "Pod", "name": "web-1", "namespace": "shop"}
OBJECTS = {
    "/api/v1/nodes": [
        {
            "metadata": {"name": "n1", "labels": {"kubernetes.io/arch": "amd64"}},
            "spec": {"providerID": "own://n1"},
            "status": {
                "addresses": [{"type": "Hostname", "address": "n1"}, {"type": "InternalIP", "address": "10.0.0.1"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            },
        }
    ],
    "/api/v1/pods": [POD, {"metadata": {"name": "pending", "namespace": "shop"}, "status": {}}],
    "/api/v1/services": [SERVICE],
    "/api/v1/endpoints": [
        {
            "metadata": {"name": "web", "namespace": "shop"},
            "subsets": [
                {
                    "addresses": [{"ip": "10.1.0.1", "nodeName": "n1", "targetRef": REFERENCE}],
                    "notReadyAddresses": [{"ip": "10.1.0.9"}],
                    "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
                }
            ],
        }
    ],
    "/apis/discovery.k8s.io/v1/endpointslices": [
        {
            "metadata": {"name": "web-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4",
            "endpoints": [
                {"addresses": ["10.1.0.1"], "conditions": {"ready": True, "serving": True, "terminating": False},
                 "targetRef": REFERENCE, "nodeName": "n1", "zone": "z1"}
            ],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        }
    ],
    "/apis/networking.k8s.io/v1/ingresses": [
        {
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {
                "ingressClassName": "nginx",
                "tls": [{"hosts": ["*.example.com"]}],
                "rules": [
                    {"host": "web.example.com", "http": {"paths": [{"path": "/a"}, {"path": "/b"}]}},
                    {"host": "plain.test"},
                ],
            },
        }
    ],
}  # fmt: skip


def cluster(handler) -> None:
    """Lists objects, two to a page at most: so a second page is asked for where there are more."""
    parts = urlsplit(handler.path)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    path, namespace = parts.path, ""
    if "/namespaces/" in path:
        before, _, rest = path.partition("/namespaces/")
        namespace, _, kind = rest.partition("/")
        path = f"{before}/{kind}"
    items = [each for each in OBJECTS[path] if namespace in ("", each["metadata"].get("namespace"))]
    start = int(query.get("continue", "0"))
    metadata = {"continue": str(start + 1)} if start + 1 < len(items) else {}
    body = json.dumps({"items": items[start : start + 1], "metadata": metadata}).encode()
    reply(handler, body, Content_Type="application/json")


def found(serve, role: str, **more) -> list[TargetGroup]:
    config = KubernetesDiscovery(role, serve(cluster).url, ClientConfig("Bearer", "t"), **more)
    return run(kubernetes_groups, config)


def test_nodes_are_targets_at_their_kubelet(serve) -> None:
    (group,) = found(serve, "node")
    (target,) = group.targets
    assert (target["__address__"], target["instance"]) == ("10.0.0.1:10250", "n1")
    assert target[f"{META}node_address_InternalIP"] == "10.0.0.1"
    assert group.labels[f"{META}node_label_kubernetes_io_arch"] == "amd64"
    assert group.labels[f"{META}node_labelpresent_kubernetes_io_arch"] == "true"
    assert group.labels[f"{META}node_provider_id"] == "own://n1"


def test_pods_are_targets_by_declared_port(serve) -> None:
    (group,) = found(serve, "pod")
    assert [target["__address__"] for target in group.targets] == ["10.1.0.1:8080", "10.1.0.1", "10.1.0.1"]
    first, _, init = group.targets
    assert first[f"{META}pod_container_name"] == "app"
    assert first[f"{META}pod_container_id"] == "docker://abc"
    assert first[f"{META}pod_container_port_number"] == "8080"
    assert init[f"{META}pod_container_init"] == "true"
    expected = {
        "namespace": "shop", "pod_name": "web-1", "pod_ip": "10.1.0.1", "pod_ready": "true", "pod_phase": "Running",
        "pod_node_name": "n1", "pod_host_ip": "10.0.0.1", "pod_uid": "u1", "pod_controller_kind": "ReplicaSet",
        "pod_controller_name": "web", "pod_label_app_kubernetes_io_name": "web",
        "pod_annotation_prometheus_io_scrape": "true",
    }  # fmt: skip
    assert {META + name: value for name, value in expected.items()}.items() <= group.labels.items()


def test_labels_of_the_node_come_along_if_they_are_wanted(serve) -> None:
    (group,) = found(serve, "pod", attach_node=True)
    assert group.labels[f"{META}node_label_kubernetes_io_arch"] == "amd64"


def test_services_are_targets_at_their_name(serve) -> None:
    (group,) = found(serve, "service")
    (target,) = group.targets
    assert target["__address__"] == "web.shop.svc:80"
    assert target[f"{META}service_cluster_ip"] == "10.2.0.1"
    assert (target[f"{META}service_port_name"], target[f"{META}service_type"]) == ("http", "ClusterIP")
    assert group.labels[f"{META}service_label_team"] == "a"


def test_endpoints_are_targets_with_the_pod_behind_them(serve) -> None:
    (group,) = found(serve, "endpoints")
    ready, waiting, *others = group.targets
    assert (ready["__address__"], waiting["__address__"]) == ("10.1.0.1:8080", "10.1.0.9:8080")
    assert (ready[f"{META}endpoint_ready"], waiting[f"{META}endpoint_ready"]) == ("true", "false")
    assert ready[f"{META}pod_name"] == "web-1"
    assert ready[f"{META}pod_container_port_name"] == "http"
    assert ready[f"{META}endpoint_address_target_kind"] == "Pod"
    assert group.labels[f"{META}service_label_team"] == "a"
    assert others == []


def test_endpoint_slices_are_targets_with_service_and_pod(serve) -> None:
    (group,) = found(serve, "endpointslice")
    (target,) = group.targets
    assert target["__address__"] == "10.1.0.1:8080"
    assert target[f"{META}endpointslice_endpoint_conditions_ready"] == "true"
    assert target[f"{META}endpointslice_endpoint_zone"] == "z1"
    assert target[f"{META}pod_name"] == "web-1"
    assert group.labels[f"{META}endpointslice_address_type"] == "IPv4"
    assert group.labels[f"{META}service_name"] == "web"


def test_ingresses_are_targets_by_path(serve) -> None:
    (group,) = found(serve, "ingress")
    shown = [
        (each["__address__"], each[f"{META}ingress_scheme"], each[f"{META}ingress_path"]) for each in group.targets
    ]
    assert shown == [
        ("web.example.com", "https", "/a"),
        ("web.example.com", "https", "/b"),
        ("plain.test", "http", "/"),
    ]
    assert group.labels[f"{META}ingress_class_name"] == "nginx"


def test_only_named_namespaces_are_looked_into(serve) -> None:
    assert found(serve, "service", namespaces=("other",)) == []
    assert len(found(serve, "service", namespaces=("other", "shop"))) == 1


def test_a_cluster_that_refuses_is_a_failure(serve) -> None:
    served = serve(lambda handler: reply(handler, b"{}", status=403))
    with pytest.raises(DiscoveryFailed, match="the server answered 403"):
        run(kubernetes_groups, KubernetesDiscovery("pod", served.url))
