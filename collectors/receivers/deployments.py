"""Deployments: `POST /api/deployments` at the end of a pipeline."""

from collectors.receivers.answers import check_is_json
from collectors.receivers.limits import decode_limits
from collectors.receivers.message import Received, Reply, json_reply
from collectors.wire.compression import decompress
from collectors.wire.deployment import decode_deployment
from fleet.actions.services import record_deployment


def push(request: Received) -> Reply:
    """201 with the deployment; 200 if the same one is known already. A bound token names the service itself."""
    check_is_json(request)
    limits = decode_limits()
    reported = decode_deployment(decompress(request.body, request.content_encoding, limits), limits)
    deployment, created = record_deployment(
        service=request.service or reported.service,
        environment=reported.environment,
        version=reported.version,
        commit=reported.commit,
        description=reported.description,
        deployed_at=reported.deployed_at,
        actor=request.principal.actor,
    )
    answer = {
        "id": deployment.pk,
        "service": deployment.service.name,
        "environment": deployment.environment.name,
        "version": deployment.version,
        "deployed_at": deployment.deployed_at.isoformat(),
    }
    return json_reply(201 if created else 200, answer)
