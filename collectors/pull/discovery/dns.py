"""Targets in DNS: records of names.

Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#dns_sd_config
"""

import asyncio
from typing import Any, Final

import dns.asyncresolver
import dns.exception
import dns.resolver

from collectors.pull.discovery.groups import DiscoveryFailed, TargetGroup
from collectors.pull.discovery_config import DnsDiscovery

_SECONDS: Final = 10.0


async def dns_groups(config: DnsDiscovery, servers: tuple[tuple[str, int], ...] = ()) -> list[TargetGroup]:
    """One group a name; a name that does not exist has no targets. Raises DiscoveryFailed.

    `servers` are asked instead of the system's resolvers.
    """
    resolver = _resolver(servers)
    return list(await asyncio.gather(*[_group(resolver, config, name) for name in config.names]))


def _resolver(servers: tuple[tuple[str, int], ...]) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=not servers)
    if servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(address, port) for address, port in servers]
    resolver.lifetime = _SECONDS
    return resolver


async def _group(resolver: dns.asyncresolver.Resolver, config: DnsDiscovery, name: str) -> TargetGroup:
    try:
        answer = await resolver.resolve(name, config.record, search=True)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return TargetGroup((), {})
    except (dns.exception.DNSException, OSError) as error:
        raise DiscoveryFailed(f"{config.record} records of {name}: {error}") from error
    return TargetGroup(tuple(_target(config, name, record) for record in answer), {})


def _target(config: DnsDiscovery, name: str, record: Any) -> dict[str, str]:
    labels = {"__meta_dns_name": name, "__meta_dns_srv_record_target": "", "__meta_dns_srv_record_port": "",
              "__meta_dns_mx_record_target": "", "__meta_dns_ns_record_target": ""}  # fmt: skip
    match config.record:
        case "SRV":
            host, port = str(record.target), record.port
            # Names in SRV records end with a dot, which no label should.
            address = f"{host.rstrip('.')}:{port}"
            labels["__meta_dns_srv_record_target"], labels["__meta_dns_srv_record_port"] = host, str(port)
        case "MX":
            address = f"{str(record.exchange).rstrip('.')}:{config.port}"
            labels["__meta_dns_mx_record_target"] = str(record.exchange)
        case "NS":
            address = f"{str(record.target).rstrip('.')}:{config.port}"
            labels["__meta_dns_ns_record_target"] = str(record.target)
        case "AAAA":
            address = f"[{record.address}]:{config.port}"
        case _:
            address = f"{record.address}:{config.port}"
    return {**labels, "__address__": address}
