"""What every page's frame needs: navigation, theme, data freshness, the index of the palette."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_GET, require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from dashboard.accounts.models import User
from dashboard.accounts.next_url import safe_next
from dashboard.panels.freshness import data_freshness
from dashboard.panels.time_range import QUICK_RANGES
from dashboard.views.addresses import range_query, service_path
from fleet.models import Service


@dataclass(frozen=True, slots=True)
class Page:
    """One entry of the navigation; `permission` says who sees it, `key` is typed after `g`."""

    name: str
    path: str
    icon: str
    permission: str
    key: str


PAGES: Final = (
    Page("Overview", "/", "overview", "view:overview", "o"),
    Page("Metrics", "/metrics-explorer", "metrics", "view:fleet", "m"),
    Page("Logs", "/logs", "logs", "view:fleet", "l"),
    Page("Scaling", "/scaling", "scaling", "view:fleet", "s"),
    Page("Cost", "/cost", "cost", "view:cost", "c"),
    Page("Security", "/security", "security", "view:security", "v"),
    Page("Settings", "/settings", "settings", "view:settings", ","),
)


def shell_context(request: HttpRequest) -> dict[str, Any]:
    """Template context of the app shell; nothing is read from a store before a template asks."""
    actor = actor_of(request)
    return {
        "shell": {
            "theme": getattr(request.user, "theme", "system") if hasattr(request, "user") else "system",
            "pages": [page for page in PAGES if actor.can(page.permission)],
            "current": current_page(request.path),
            "range_query": f"?{urlencode(kept)}" if (kept := range_query(request)) else "",
            "address": f"{settings.PUBLIC_URL}{request.get_full_path()}",
            "actor": actor,
            "role_words": dict(User.Role.choices).get(actor.role, ""),
            "may_read_telemetry": actor.can("view:fleet"),
            "freshness": SimpleLazyObject(data_freshness),
            "simulated": SimpleLazyObject(lambda: _Simulated.of(actor.can("view:overview"))),
        },
        "quick_ranges": QUICK_RANGES,
    }


@dataclass(frozen=True, slots=True)
class _Simulated:
    """How many services of the fleet are simulated; false when none."""

    count: int

    @classmethod
    def of(cls, may_know: bool) -> "_Simulated":
        return cls(Service.objects.filter(origin=Service.Origin.SIMULATED).count() if may_know else 0)

    def __bool__(self) -> bool:
        return self.count > 0


def current_page(path: str) -> str:
    """Path of the navigation entry that `path` belongs to: the longest that it starts with."""
    if path.startswith("/services/"):
        return "/"
    under = [page.path for page in PAGES if path == page.path or path.startswith(page.path.rstrip("/") + "/")]
    inner = [candidate for candidate in under if candidate != "/"]
    return max(inner, key=len, default="/" if path == "/" else "")


@requires("view:overview")
@require_GET
def palette(request: HttpRequest) -> JsonResponse:
    """Index of the Ctrl-K palette: the pages and services that the actor may open."""
    actor = actor_of(request)
    entries = [{"name": page.name, "href": page.path, "kind": "page"} for page in PAGES if actor.can(page.permission)]
    entries.append({"name": "Your account", "href": "/account", "kind": "page"})
    if actor.can("view:fleet"):
        names = Service.objects.order_by("name").values_list("name", flat=True)
        entries += [{"name": name, "href": service_path(name), "kind": "service"} for name in names]
    return JsonResponse({"entries": entries})


@requires("account")
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme that the person chose; from the toggle (204) or a plain form (back to the page)."""
    wanted = request.POST.get("theme", "")
    if wanted not in User.Theme.values:
        return HttpResponse(f"theme {wanted!r} is none of {', '.join(User.Theme.values)}", status=400)
    User.objects.filter(username=actor_of(request).name).update(theme=wanted)
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    return redirect(safe_next(request.POST.get("next", "/")))
