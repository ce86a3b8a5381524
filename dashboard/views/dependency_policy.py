"""`/security/policy`: the dependency policy in force, edited where its mistakes and failing tests are shown."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from fleet.models import DependencyPolicyText
from policies.dependencies.in_force import policy_text, save_policy
from policies.documents.located import DocumentError

_HISTORY_SHOWN = 20


@requires("view:security")
@require_http_methods(["GET", "POST"])
def policy(request: HttpRequest) -> HttpResponse:
    """Show the policy; a POST puts another in force, or says what is wrong with it."""
    actor = actor_of(request)
    may_manage = actor.can("manage:findings")
    if request.method == "POST" and not may_manage:
        return HttpResponse("your role may not change the dependency policy", status=403)
    text, error = policy_text(), ""
    if request.method == "POST":
        text = request.POST.get("text", "").replace("\r\n", "\n")
        try:
            save_policy(text=text, actor=actor.audit_name)
        except DocumentError as fault:
            error = str(fault)
        else:
            messages.success(request, "The policy is in force.")
            return redirect("/security/policy")
    context = {
        "page_title": "Dependency policy",
        "text": text,
        "error": error,
        "rows": min(max(text.count("\n") + 2, 12), 40),
        "may_manage": may_manage,
        "history": DependencyPolicyText.objects.only("created_at", "created_by")[:_HISTORY_SHOWN],
    }
    return render(request, "security/policy.html", context)
