"""`/settings/rules`: recording and alerting rules, how they fare, and the form for one more file."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from dashboard.panels.rules import shown_files
from fleet.models import RuleFile
from policies.rules.document import RuleFileError
from policies.rules.files import load_rule_file, unload_rule_file


class RuleFileForm(forms.Form):
    """A rule file from the reader's computer."""

    file = forms.FileField(label="Rule file", widget=forms.FileInput(attrs={"accept": ".yml,.yaml"}))


@requires("view:settings")
@require_http_methods(["GET", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    may_manage = actor_of(request).can("manage:rules")
    form = RuleFileForm(request.POST, request.FILES) if request.method == "POST" else RuleFileForm()
    if request.method == "POST":
        if not may_manage:
            return HttpResponse("your role may not change rules", status=403)
        if form.is_valid() and _loaded(request, form):
            return redirect("/settings/rules")
    files = shown_files()
    context = {
        "page_title": "Rules",
        "files": files,
        "form": form,
        "may_manage": may_manage,
        "watched": settings.RULE_FILES,
        "failing": sum(group.failing for file in files for group in file.groups),
        "count": sum(file.rules for file in files),
    }
    template = "settings/_rules.html" if request.headers.get("HX-Request") else "settings/rules.html"
    return render(request, template, context)


def _loaded(request: HttpRequest, form: RuleFileForm) -> bool:
    upload = form.cleaned_data["file"]
    assert isinstance(upload, UploadedFile)  # noqa: S101 - what a FileField gives
    try:
        text = upload.read().decode()
        loaded = load_rule_file(name=str(upload.name), text=text, actor=actor_of(request).audit_name)
    except UnicodeDecodeError:
        form.add_error("file", "the file is not UTF-8")
        return False
    except RuleFileError as error:
        for problem in error.problems[:20]:
            form.add_error("file", problem)
        return False
    messages.success(request, f"{loaded.name} is in force: {loaded.groups} groups with {loaded.rules} rules.")
    return True


@requires("manage:rules")
@require_POST
def remove_rules(request: HttpRequest, file_id: int) -> HttpResponse:
    """End the evaluation of one imported file."""
    file = get_object_or_404(RuleFile, pk=file_id, source=RuleFile.Source.IMPORTED)
    unload_rule_file(file=file, actor=actor_of(request).audit_name)
    messages.success(request, f"{file.name} is no longer evaluated; what its rules recorded stays.")
    return redirect("/settings/rules")
