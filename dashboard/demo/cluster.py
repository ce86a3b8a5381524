"""What kube-state-metrics would say of a workload, scraped less often than the replicas themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.demo.behaviour import Behaviour
from dashboard.demo.blocks import SeriesBlock, block, mortal_blocks
from dashboard.demo.carry import Carry
from dashboard.demo.fleet import SimulatedService
from dashboard.demo.noise import Floats
from dashboard.demo.replicas import pod_name
from dashboard.demo.story import MINUTE

SCRAPE_MS: Final = 2 * MINUTE

_AUTOSCALER: Final = "kube_horizontalpodautoscaler"


@dataclass(slots=True)
class Cluster:
    """The cluster's view of one workload; `advance` goes on where the last call ended."""

    service: SimulatedService
    environment: str
    minimum: int
    maximum: int
    _alive: NDArray[np.bool_]

    @classmethod
    def of(cls, service: SimulatedService, environment: str, minimum: int, maximum: int) -> "Cluster":
        return cls(service, environment, minimum, maximum, np.zeros(maximum, bool))

    def carry(self) -> Carry:
        return {"alive": self._alive.tolist()}

    def resume(self, carry: Carry) -> None:
        self._alive = np.array(carry["alive"], bool)

    def advance(self, behaviour: Behaviour) -> list[SeriesBlock]:
        """Series at those ticks of the chunk at which the cluster is scraped."""
        scraped = behaviour.times_ms % SCRAPE_MS == 0
        if not scraped.any():
            return []
        times, ready, desired = behaviour.times_ms[scraped], behaviour.ready[scraped], behaviour.desired[scraped]
        blocks = [
            block(metric, {**self._labels, **labels}, times, values)
            for metric, labels, values in self._of_workload(ready, desired)
        ]
        alive = np.arange(self.maximum)[:, None] < ready[None, :]
        for metric, labels, value in self._of_pods():
            named = [{**self._labels, **labels, "pod": self._pod(slot)} for slot in range(self.maximum)]
            blocks += mortal_blocks(metric, named, times, np.full(alive.shape, value), alive, self._alive)
        self._alive = alive[:, -1].copy()
        return blocks

    @property
    def _labels(self) -> dict[str, str]:
        return {"job": "kube-state-metrics", "service": self.service.name, "namespace": self.environment}

    def _pod(self, slot: int) -> str:
        return pod_name(self.service, self.environment, slot)

    def _of_workload(self, ready: Floats, desired: Floats) -> Iterator[tuple[str, dict[str, str], Floats]]:
        scaler, deployment = {"horizontalpodautoscaler": self.service.name}, {"deployment": self.service.name}
        constant = np.ones(len(ready))
        yield f"{_AUTOSCALER}_status_desired_replicas", scaler, desired
        yield f"{_AUTOSCALER}_status_current_replicas", scaler, ready
        yield f"{_AUTOSCALER}_spec_min_replicas", scaler, constant * self.minimum
        yield f"{_AUTOSCALER}_spec_max_replicas", scaler, constant * self.maximum
        target = {**scaler, "metric_name": "cpu", "metric_target_type": "utilization"}
        yield f"{_AUTOSCALER}_spec_target_metric", target, constant * round(100 * self.service.target_ratio)
        yield "kube_deployment_spec_replicas", deployment, desired
        yield "kube_deployment_status_replicas_available", deployment, ready

    def _of_pods(self) -> Iterator[tuple[str, dict[str, str], float]]:
        cpu, memory = {"resource": "cpu", "unit": "core"}, {"resource": "memory", "unit": "byte"}
        container = {"container": "app"}
        yield "kube_pod_container_resource_requests", {**cpu, **container}, self.service.cpu_request
        yield "kube_pod_container_resource_limits", {**cpu, **container}, self.service.cpu_limit
        yield "kube_pod_container_resource_limits", {**memory, **container}, self.service.memory_limit_bytes
