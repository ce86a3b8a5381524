"""Shows log text as it is: markup inert, control and direction characters visible, the searched words marked."""

import re
from typing import Final

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from dashboard.panels.log_words import search_words

register = template.Library()

_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
"""Control characters but for tab and newline, and what changes direction or shows nothing."""

_NAMES: Final = (
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI", "DLE",
    "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
)  # fmt: skip
"""ASCII control characters by code."""


@register.filter
def visible(text: str) -> SafeString:
    """`text` escaped; each hidden character becomes its name between angle brackets: NUL, ESC, 202E."""
    pieces: list[str] = []
    place = 0
    for found in _HIDDEN.finditer(text):
        pieces += [escape(text[place : found.start()]), _picture(found.group())]
        place = found.end()
    return mark_safe("".join([*pieces, escape(text[place:])]))  # noqa: S308 - every piece is escaped


@register.filter
def searched(text: str, wanted: str) -> SafeString:
    """`visible` with each occurrence of the words of the search `wanted`, in any case, in a <mark>."""
    words = search_words(wanted).wanted
    if not words:
        return visible(text)
    parts = re.split(f"({'|'.join(map(re.escape, words))})", text, flags=re.IGNORECASE)
    marked = [
        format_html("<mark>{}</mark>", visible(part)) if odd % 2 else visible(part) for odd, part in enumerate(parts)
    ]
    return mark_safe("".join(marked))  # noqa: S308 - every part is escaped


@register.filter
def toggled(names: list[str], name: str) -> list[str]:
    """`names` with `name`, or without it if it was there."""
    return [one for one in names if one != name] if name in names else [*names, name]


def _picture(character: str) -> str:
    code = ord(character)
    name = _NAMES[code] if code < len(_NAMES) else "DEL" if code == 0x7F else f"{code:04X}"
    return format_html('<span class="control" title="U+{}">\u27e8{}\u27e9</span>', f"{code:04X}", name)
