"""Addresses of the settings pages; tokens, users and the audit trail are among the accounts' addresses."""

from django.urls import URLPattern, URLResolver, path

from dashboard.views.settings import (
    advisories,
    deletions,
    health,
    hub,
    limits,
    mapping,
    redaction,
    retention,
    rules,
    scrape_jobs,
    senders,
    services,
    targets,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("settings", hub.hub, name="settings"),
    path("settings/senders", senders.senders, name="senders"),
    path("settings/targets", targets.targets, name="targets"),
    path("settings/targets/job", scrape_jobs.scrape_job, name="scrape-job"),
    path("settings/targets/jobs/<int:job_id>", scrape_jobs.change_scrape_job, name="change-scrape-job"),
    path("settings/targets/<int:target_id>", targets.change_target, name="change-target"),
    path("settings/services", services.services, name="settings-services"),
    path("settings/services/<int:service_id>", services.edit_service, name="edit-service"),
    path("settings/teams", services.add_team, name="add-team"),
    path("settings/mapping", mapping.mapping, name="mapping"),
    path("settings/mapping/<int:rule_id>/remove", mapping.delete_rule, name="delete-rule"),
    path("settings/rules", rules.rules, name="rules"),
    path("settings/rules/<int:file_id>/remove", rules.remove_rules, name="remove-rules"),
    path("settings/limits", limits.limits, name="limits"),
    path("settings/limits/<int:limit_id>/lift", limits.lift, name="lift-limit"),
    path("settings/deletions", deletions.deletions, name="deletions"),
    path("settings/deletions/receipts", deletions.receipts, name="deletion-receipts"),
    path("settings/redaction", redaction.redaction, name="settings-redaction"),
    path("settings/redaction/switch", redaction.switch, name="switch-redaction"),
    path("settings/redaction/<int:pattern_id>/remove", redaction.remove, name="remove-redaction"),
    path("settings/retention", retention.retention, name="retention"),
    path("settings/retention/<int:rule_id>/remove", retention.remove_rule, name="remove-retention"),
    path("settings/advisories", advisories.advisories, name="advisories"),
    path("settings/advisories/fetch", advisories.fetch_feeds, name="fetch-advisories"),
    path("settings/health", health.health, name="health-page"),
]
