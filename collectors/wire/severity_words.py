"""How severe a bare log line is, as far as it says so itself."""

import re
from collections.abc import Mapping
from typing import Final

NAMES: Final = ("level", "severity", "detected_level", "severity_text", "lvl", "loglevel", "log_level")
"""Labels and fields that senders use for it, best first."""

_LOOKED_AT: Final = 2000
_IN_JSON: Final = tuple(f'"{name}"' for name in NAMES)
_JSON_VALUE: Final = re.compile(r'\s*:\s*"(\w{1,20})"')
_IN_LOGFMT: Final = tuple(f"{name}=" for name in NAMES)
_PARTS_IN_LOGFMT: Final = ("level=", "severity", "lvl=")
"""Every name holds one of them; most lines hold none."""
_LOGFMT_VALUE: Final = re.compile(r'"?(\w{1,20})')


def severity_in_fields(fields: Mapping[str, str]) -> str:
    """The word in a label or field of one of NAMES, '' if there is none."""
    return next((word for name in NAMES if (word := fields.get(name))), "")


def severity_in_line(line: str) -> str:
    """The word that a line of JSON or logfmt gives for one of NAMES in its first 2,000 characters, '' if none."""
    in_json = line.startswith("{")
    if not in_json and not any(part in line for part in _PARTS_IN_LOGFMT):
        return ""
    value = _JSON_VALUE if in_json else _LOGFMT_VALUE
    for name in _IN_JSON if in_json else _IN_LOGFMT:
        at = line.find(name, 0, _LOOKED_AT)
        if at >= 0 and (in_json or at == 0 or line[at - 1].isspace()) and (found := value.match(line, at + len(name))):
            return found[1]
    return ""
