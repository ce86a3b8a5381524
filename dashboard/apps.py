from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"

    def ready(self) -> None:
        """Tell `belvedere import` of what the policies can import: the floors beside each other do not know it."""
        from collectors.imports import add_kind  # noqa: PLC0415 - models are loaded only now
        from dashboard.rule_import import RULES  # noqa: PLC0415

        add_kind("rules", RULES)
