"""Who and what: services, environments, teams, targets, deployments, components, findings, tokens, audit trail."""
