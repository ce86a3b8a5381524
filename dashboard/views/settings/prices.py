"""`/settings/prices`: unit prices by which measured use is told as cost, in versions that hold from a day on."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.accounts.actor import actor_of
from dashboard.accounts.gate import requires
from fleet.actions.prices import PriceSheetExists, add_price_sheet, remove_price_sheet
from fleet.models import PriceSheet
from fleet.selectors.costs import example_price_sheet
from policies.costs.prices import UNITS, InvalidPrice, parsed_prices


class PriceSheetForm(forms.Form):
    """A new version: one price a unit; a unit left empty has none and is told as not priced."""

    name = forms.CharField(label="Name", max_length=100, initial="ours")
    valid_from = forms.DateField(label="Holds from (UTC day)", widget=forms.DateInput(attrs={"type": "date"}))
    currency = forms.RegexField(label="Currency", regex=r"^[A-Z]{3}$", initial="USD", max_length=3)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for unit, words in UNITS.items():
            self.fields[unit] = forms.CharField(label=f"{unit}: {words}", max_length=40, required=False)

    def prices(self) -> dict[str, str]:
        """Decimal text by unit, of those that were filled in."""
        return {unit: text for unit in UNITS if (text := self.cleaned_data[unit])}


@requires("view:cost")
@require_http_methods(["GET", "POST"])
def prices(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    may_manage = actor.can("manage:costs")
    form = PriceSheetForm(
        request.POST if request.method == "POST" else None, initial={"valid_from": datetime.now(UTC).date()}
    )
    if request.method == "POST":
        if not may_manage:
            return HttpResponse("your role may not change prices", status=403)
        if form.is_valid() and _added(form, actor.audit_name):
            messages.success(request, f"The prices hold from {form.cleaned_data['valid_from']} on.")
            return redirect("/settings/prices")
    sheets = [(sheet, list(sheet.prices.items())) for sheet in PriceSheet.objects.all()]
    example = example_price_sheet()
    context = {
        "page_title": "Prices", "form": form, "may_manage": may_manage, "sheets": sheets, "example": example,
        "example_prices": list(example.prices.items()), "units": UNITS,
    }  # fmt: skip
    return render(request, "settings/prices.html", context)


def _added(form: PriceSheetForm, actor: str) -> bool:
    cleaned = form.cleaned_data
    try:
        parsed_prices(form.prices())
        if not form.prices():
            raise InvalidPrice("a price sheet needs one price at least")
        add_price_sheet(
            name=cleaned["name"], valid_from=cleaned["valid_from"], currency=cleaned["currency"],
            prices=form.prices(), actor=actor,
        )  # fmt: skip
    except (InvalidPrice, PriceSheetExists) as error:
        form.add_error(None, f"These prices cannot be used: {error}.")
        return False
    return True


@requires("manage:costs")
@require_POST
def remove(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """End a version; the days that it priced are priced by the one before it."""
    sheet = get_object_or_404(PriceSheet, pk=sheet_id)
    remove_price_sheet(sheet=sheet, actor=actor_of(request).audit_name)
    messages.success(request, "The version is gone; its days are priced by the one before it.")
    return redirect("/settings/prices")
