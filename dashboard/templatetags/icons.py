# ruff: noqa: E501 - a path is one string
"""`{% icon "logs" %}`: line icons drawn for this product, inlined so that they take the colour of the text."""

from typing import Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

PATHS: Final[dict[str, str]] = {
    "brand": "M3 20h18M5 20V10M19 20V10M3.5 10h17L12 4zM9 20v-5a3 3 0 0 1 6 0v5",
    "overview": "M4 5h7v6H4zM13 5h7v4h-7zM13 11h7v8h-7zM4 13h7v6H4z",
    "metrics": "M4 4v16h16M7 15l4-5 3 3 5-7",
    "logs": "M4 6h3M10 6h10M4 12h3M10 12h10M4 18h3M10 18h6",
    "scaling": "M4 20h4v-5H4zM10 20h4V10h-4zM16 20h4V4h-4z",
    "cost": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v10M14.8 9.3C14.2 8.4 13.2 8 12 8c-1.6 0-2.8.8-2.8 2 0 2.8 5.6 1.2 5.6 4 0 1.2-1.2 2-2.8 2-1.2 0-2.3-.5-2.9-1.4",
    "security": "M12 3l8 3v6c0 4.5-3.2 7.7-8 9-4.8-1.3-8-4.5-8-9V6zM9 12l2.2 2.2L15.2 10",
    "settings": "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
    "search": "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M20 20l-4-4",
    "clock": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5l3.5 2",
    "left": "M14.5 6l-6 6 6 6",
    "right": "M9.5 6l6 6-6 6",
    "down": "M6 9.5l6 6 6-6",
    "zoom-out": "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M20 20l-4-4M8 11h6",
    "zoom-in": "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M20 20l-4-4M8 11h6M11 8v6",
    "refresh": "M19.5 11a7.5 7.5 0 1 0-1.2 5M20 5v6h-6",
    "pause": "M8 5v14M16 5v14",
    "play": "M7 5l12 7-12 7z",
    "user": "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
    "sun": "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4",
    "moon": "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
    "display": "M4 5h16v11H4zM9 20h6M12 16v4",
    "copy": "M9 9h11v11H9zM5 15H4V4h11v1",
    "check": "M5 12.5l4.5 4.5L19 7",
    "close": "M6 6l12 12M18 6L6 18",
    "table": "M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9",
    "download": "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M4 20h16",
    "external": "M10 5H5v14h14v-5M14 4h6v6M20 4l-9 9",
    "key": "M8 11a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M11.3 12.7L20 4M16 8l3 3",
    "filter": "M4 5h16l-6 7.5V19l-4-2v-4.5z",
    "wrap": "M4 6h16M4 12h13a3 3 0 0 1 0 6h-4M15.5 15.5L13 18l2.5 2.5M4 18h4",
    "info": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v5M12 7.5v.5",
    "warn": "M12 4l9 16H3zM12 10v4M12 17v.5",
    "deploy": "M12 3l8 9-8 9-8-9zM12 8v8M8.5 11.5L12 8l3.5 3.5",
    "sim": "M4 8c2.7-4 5.3-4 8 0s5.3 4 8 0M4 16c2.7-4 5.3-4 8 0s5.3 4 8 0",
    "plus": "M12 5v14M5 12h14",
    "link": "M10 14l4-4M8.5 11L6 13.5a3.2 3.2 0 0 0 4.5 4.5L13 15.5M15.5 13l2.5-2.5A3.2 3.2 0 0 0 13.5 6L11 8.5",
    "keyboard": "M3 6h18v12H3zM7 10h.5M11 10h.5M15 10h.5M8 14h8",
    "team": "M9 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M2.5 20c.6-3.3 3.2-5 6.5-5s5.9 1.7 6.5 5M16 5.5a3.5 3.5 0 0 1 0 6M18 15.5c2 .7 3.2 2.2 3.5 4.5",
    "target": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8",
    "menu": "M4 7h16M4 12h16M4 17h16",
    "logout": "M10 5H5v14h5M15 8l4 4-4 4M19 12H9",
}  # fmt: skip
"""Path data in a box of 24 by 24, stroked 1.7 wide."""


@register.simple_tag
def icon(name: str) -> SafeString:
    """Inline SVG of `name`, hidden from screen readers: the text beside it or `aria-label` names it.

    Raises KeyError for an unknown name.
    """
    return format_html(
        '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round"'
        ' stroke-linejoin="round" aria-hidden="true" focusable="false"><path d="{}"/></svg>',
        mark_safe(PATHS[name]),  # noqa: S308 - constants of this file
    )
