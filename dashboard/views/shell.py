"""What every page's frame needs: navigation, theme, data freshness."""

from typing import Any

from django.http import HttpRequest


def shell_context(request: HttpRequest) -> dict[str, Any]:
    """Template context of the app shell."""
    return {}
