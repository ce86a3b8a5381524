"""Targets behind a URL.

Source: https://prometheus.io/docs/prometheus/latest/http_sd/
"""

from typing import Final

from collectors.kept_connections import KeptConnections, prepared_get
from collectors.outbound import OutboundError, OutboundLimits, OutboundResponse, status_sentence
from collectors.pull.client_config import ClientConfig, ssl_context
from collectors.pull.discovery.groups import MAX_BYTES, DiscoveryFailed, InvalidTargets, TargetGroup, read_groups
from collectors.pull.discovery_config import HttpDiscovery

_LIMITS: Final = OutboundLimits(30.0, wire_bytes=MAX_BYTES, decoded_bytes=MAX_BYTES)


async def http_groups(config: HttpDiscovery, connections: KeptConnections) -> list[TargetGroup]:
    """Groups that the server answers with. Raises DiscoveryFailed."""
    headers = {
        "accept": "application/json",
        "x-prometheus-refresh-interval-seconds": f"{config.refresh_ms / 1000:g}",
    }
    response = await fetched(config.url, headers, config.client, connections)
    kind = response.content_type.partition(";")[0].strip().lower()
    if kind != "application/json":
        raise DiscoveryFailed(f"{config.url}: the content type is {kind!r} instead of application/json")
    try:
        groups = read_groups(response.body, is_json=True)
    except InvalidTargets as error:
        raise DiscoveryFailed(f"{config.url}: {error}") from error
    return [TargetGroup(group.targets, {**group.labels, "__meta_url": config.url}) for group in groups]


async def fetched(
    url: str, headers: dict[str, str], client: ClientConfig, connections: KeptConnections
) -> OutboundResponse:
    """The answer 200 of `url`. Raises DiscoveryFailed."""
    try:
        if authorization := client.authorization():
            headers = {**headers, "authorization": authorization}
        headers = {"accept-encoding": "gzip", **headers}
        request = prepared_get(url, headers, tls=ssl_context(client.tls), server_name=client.tls.server_name)
        response = await connections.get(request, _LIMITS)
    except OutboundError as error:
        raise DiscoveryFailed(f"{url}: {error}") from error
    if response.status != 200:
        raise DiscoveryFailed(f"{url}: {status_sentence(response.status)}")
    return response
