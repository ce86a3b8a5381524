"""The one table of who may do what: permissions by role of a person and by scope of a token."""

from typing import Final

from fleet.tokens import SCOPES

PERMISSIONS: Final = {
    "account": "own password, factors, sessions and theme",
    "view:overview": "the list of services, with the columns that the role may see",
    "view:fleet": "services, metrics, logs and scaling",
    "view:security": "dependency findings and posture",
    "view:cost": "spend and unit cost",
    "view:settings": "the settings hub, own health, how to send data",
    "view:audit": "the audit trail",
    "query": "the query APIs",
    "manage:tokens": "create and revoke API tokens",
    "manage:targets": "add and change scrape targets",
    "manage:services": "declare services, teams and environments",
    "manage:logs": "resolve and ignore logged errors, share saved searches",
    "manage:mapping": "rules that say which service telemetry belongs to",
    "manage:retention": "rules that remove samples of chosen series earlier",
    "manage:log-care": "redaction and sampling of log records before they are stored",
    "manage:deletions": "delete log records by query",
    "manage:limits": "what single services may send",
    "manage:scaling": "scaling policies, service level objectives",
    "manage:rules": "load and remove recording and alerting rules",
    "manage:advisories": "import advisories",
    "manage:findings": "decide about findings, accept risks, edit the dependency policy",
    "manage:costs": "import bills and edit price sheets",
    "manage:users": "people, their roles, invitations and factors",
    "manage:admin": "the database administration site",
}
"""Permission word -> what it opens."""

EVERYONE: Final = frozenset({"account", "view:overview"})

_EVERY_READ: Final = frozenset({"view:overview", "view:fleet", "view:security", "view:cost", "query"})

ROLES: Final[dict[str, frozenset[str]]] = {
    "administrator": frozenset(PERMISSIONS),
    "operator": EVERYONE
    | _EVERY_READ
    | {
        "view:settings",
        "manage:tokens",
        "manage:targets",
        "manage:services",
        "manage:mapping",
        "manage:rules",
        "manage:scaling",
        "manage:retention",
        "manage:log-care",
        "manage:deletions",
        "manage:limits",
        "manage:logs",
    },
    "security_reviewer": EVERYONE | {"view:fleet", "view:security", "view:audit", "query", "manage:findings"},
    "cost_viewer": EVERYONE | {"view:cost"},
}
"""Role word -> permissions of a person with that role whose second factor is verified."""

NOT_FOR_TOKENS: Final = frozenset({"account", "manage:users", "manage:admin"})

TOKEN_SCOPES: Final[dict[str, frozenset[str]]] = {
    **{scope: frozenset({scope}) for scope in SCOPES},
    "query": _EVERY_READ,
    "admin": frozenset({"admin"}) | (frozenset(PERMISSIONS) - NOT_FOR_TOKENS),
}
"""Token scope -> permissions of a machine on the APIs; on pages a token has none."""

KNOWN: Final = frozenset(PERMISSIONS) | frozenset(SCOPES)


def permissions_of_scopes(scopes: frozenset[str]) -> frozenset[str]:
    """Everything that any of `scopes` allows."""
    return frozenset().union(*(TOKEN_SCOPES.get(scope, frozenset()) for scope in scopes))
