"""The list of settings pages, shown as tabs on each of them."""

from dataclasses import dataclass
from typing import Final

from dashboard.accounts.actor import Actor


@dataclass(frozen=True, slots=True)
class Tab:
    """One settings page; `permission` says who sees it."""

    name: str
    path: str
    icon: str
    permission: str
    text: str


TABS: Final = (
    Tab("Senders", "/settings/senders", "link", "view:settings", "Commands that make your tools send here."),
    Tab("Targets", "/settings/targets", "target", "view:settings", "Endpoints that are scraped for metrics."),
    Tab("Services", "/settings/services", "overview", "view:settings", "Teams, owners and exposure of each service."),
    Tab("Mapping", "/settings/mapping", "filter", "view:settings", "Rules that name the service of telemetry."),
    Tab("Rules", "/settings/rules", "clock", "view:settings", "Recording and alerting rules and how they fare."),
    Tab("Limits", "/settings/limits", "filter", "view:settings", "What services may send, and what was refused."),
    Tab("Redaction", "/settings/redaction", "key", "view:settings", "What log records lose before they are stored."),
    Tab("Sampling", "/settings/sampling", "filter", "view:settings", "Noisy services of which a share is kept."),
    Tab("Retention", "/settings/retention", "clock", "view:settings", "How long which samples are kept."),
    Tab("Deletions", "/settings/deletions", "logs", "view:settings", "Log records deleted by query, with receipts."),
    Tab("Prices", "/settings/prices", "cost", "view:cost", "Unit prices that tell measured use as cost."),
    Tab("Tokens", "/settings/tokens", "key", "manage:tokens", "Credentials of machines, limited by scope."),
    Tab(
        "Advisories",
        "/settings/advisories",
        "security",
        "view:settings",
        "Feeds of vulnerabilities and their age.",
    ),
    Tab("Users", "/settings/users", "team", "manage:users", "People, roles and second factors."),
    Tab("Audit trail", "/settings/audit-trail", "logs", "view:audit", "Who changed what, when and from where."),
    Tab("Health", "/settings/health", "metrics", "view:settings", "Store, queue, worker and jobs of Belvedere itself."),
)


def tabs_for(actor: Actor) -> list[Tab]:
    """Tabs that `actor` may open."""
    return [tab for tab in TABS if actor.can(tab.permission)]
