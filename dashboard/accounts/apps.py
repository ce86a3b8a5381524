from django.apps import AppConfig
from django.core.checks import register


class AccountsConfig(AppConfig):
    name = "dashboard.accounts"
    label = "accounts"

    def ready(self) -> None:
        from dashboard.accounts import checks  # noqa: PLC0415 - after the settings

        register(checks.every_view_declares, checks.TAG)
        register(checks.proxies_are_addresses, checks.TAG)
