"""Points in time with Go's layouts, where `2006-01-02 15:04:05` shows how a time is written.

Source: https://pkg.go.dev/time#pkg-constants
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_ELEMENT: Final = re.compile(
    r"(?P<year>2006)|(?P<yy>06)|(?P<longmonth>January)|(?P<month>Jan)|(?P<longday>Monday)|(?P<day>Mon)|(?P<zone>MST)"
    r"|(?P<yday>002)|(?P<mm>01)|(?P<dd>02)|(?P<hour12>03)|(?P<minute>04)|(?P<second>05)|(?P<hour>15)"
    r"|(?P<pm>PM|pm)|(?P<offset>[Z-]07(?::?00(?::?00)?)?)|(?P<fraction>[.,](?:0+|9+)(?!\d))"
    r"|(?P<space2>_2(?!006))|(?P<d>2)|(?P<m>1)|(?P<h>3)|(?P<min>4)|(?P<s>5)"
)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NUMBER: Final = {
    "year": r"\d{4}", "yy": r"\d\d", "mm": r"\d\d", "m": r"\d\d?", "dd": r"\d\d", "d": r"\d\d?", "space2": r" ?\d\d?",
    "yday": r"\d{3}", "hour": r"\d\d?", "hour12": r"\d\d", "h": r"\d\d?", "minute": r"\d\d", "min": r"\d\d?",
    "second": r"\d\d", "s": r"\d\d?",
}  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class GoTime:
    """Nanoseconds since 1970, shown in a zone."""

    ns: int
    zone: tzinfo = UTC

    def local(self) -> datetime:
        """To the second, in its zone."""
        return (_EPOCH + timedelta(seconds=self.ns // 10**9)).astimezone(self.zone)

    def format(self, layout: str) -> str:
        """Go's Time.Format."""
        moment = self.local()
        return _ELEMENT.sub(lambda found: _written(found, moment, self.ns % 10**9), layout)

    def __str__(self) -> str:
        return self.format("2006-01-02 15:04:05.999999999 -0700 MST")


ZERO: Final = GoTime(int((datetime(1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) * 10**9)
"""What a time is that could not be read."""


def zone_named(name: str) -> tzinfo:
    """Zone of the tz database; UTC if there is none of that name."""
    try:
        return ZoneInfo(name) if name not in ("", "UTC", "Local") else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def parse_time(layout: str, text: str, zone: tzinfo) -> GoTime:
    """Go's ParseInLocation; raises ValueError."""
    elements: list[tuple[str, str]] = []
    pattern, position = "", 0
    for found in _ELEMENT.finditer(layout):
        kind = found.lastgroup or ""
        pattern += re.escape(layout[position : found.start()])
        position = found.end()
        if kind == "fraction":
            pattern += r"([.,]\d+)" if found[0][1] == "0" else r"([.,]\d+)?"
        else:
            pattern += f"({_readable(kind, found[0])})"
        elements.append((kind, found[0]))
        if kind in ("second", "s") and not re.match(r"[.,](?:0+|9+)(?!\d)", layout[position:]):
            pattern += r"([.,]\d+)?"
            elements.append(("fraction", ""))
    pattern += re.escape(layout[position:])
    read = re.fullmatch(pattern, text)
    if read is None:
        raise ValueError(f"parsing time {text!r} as {layout!r}: cannot parse")
    return _assembled(list(zip((kind for kind, _ in elements), read.groups(), strict=True)), zone)


def _readable(kind: str, element: str) -> str:
    if kind in _NUMBER:
        return _NUMBER[kind]
    match kind:
        case "longmonth":
            return "|".join(_MONTHS)
        case "month":
            return "|".join(name[:3] for name in _MONTHS)
        case "longday":
            return "|".join(_DAYS)
        case "day":
            return "|".join(name[:3] for name in _DAYS)
        case "pm":
            return "[AaPp][Mm]"
        case "zone":
            return r"[A-Z]{3,5}|[+-]\d\d"
    signed = r"[+-]\d\d" + (":" if ":" in element else "").join(["", r"\d\d"] if len(element) > 3 else [""])
    return f"Z|{signed}" if element.startswith("Z") else signed


def _assembled(parts: list[tuple[str, str | None]], zone: tzinfo) -> GoTime:  # noqa: C901 - a table
    year, month, day, hour, minute, second, fraction, afternoon = 0, 1, 1, 0, 0, 0, 0, ""
    day_of_year = 0
    for kind, text in parts:
        if text is None:
            continue
        match kind:
            case "year":
                year = int(text)
            case "yy":
                year = 1900 + int(text) if int(text) >= 69 else 2000 + int(text)
            case "longmonth" | "month":
                month = 1 + next(index for index, name in enumerate(_MONTHS) if name.startswith(text[:3]))
            case "mm" | "m":
                month = int(text)
            case "dd" | "d" | "space2":
                day = int(text)
            case "yday":
                day_of_year = int(text)
            case "hour" | "hour12" | "h":
                hour = int(text)
            case "pm":
                afternoon = text.upper()
            case "minute" | "min":
                minute = int(text)
            case "second" | "s":
                second = int(text)
            case "fraction":
                fraction = int(text[1:10].ljust(9, "0"))
            case "offset":
                zone = UTC if text == "Z" else _fixed(text)
            case "zone":
                zone = UTC if text in ("UTC", "GMT") else zone
    if afternoon:
        hour = hour % 12 + (12 if afternoon == "PM" else 0)
    if year == 0:
        return ZERO  # a time without a year lies before any calendar that Python has
    moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    if day_of_year:
        moment = moment.replace(month=1, day=1) + timedelta(days=day_of_year - 1)
    since = moment - _EPOCH
    return GoTime((since.days * 86_400 + since.seconds) * 10**9 + fraction, zone)


def _fixed(text: str) -> tzinfo:
    digits = text[1:].replace(":", "").ljust(6, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def _written(found: re.Match[str], moment: datetime, fraction_ns: int) -> str:  # noqa: C901 - a table
    element = found[0]
    match found.lastgroup:
        case "year":
            return f"{moment.year:04d}"
        case "yy":
            return f"{moment.year % 100:02d}"
        case "longmonth" | "month":
            return _MONTHS[moment.month - 1][: 3 if element == "Jan" else None]
        case "longday" | "day":
            return _DAYS[moment.weekday()][: 3 if element == "Mon" else None]
        case "zone":
            return _abbreviation(moment)
        case "yday":
            return f"{moment.timetuple().tm_yday:03d}"
        case "mm" | "m":
            return f"{moment.month:02d}" if element == "01" else str(moment.month)
        case "dd":
            return f"{moment.day:02d}"
        case "d" | "space2":
            return str(moment.day).rjust(len(element))
        case "hour":
            return f"{moment.hour:02d}"
        case "hour12" | "h":
            hour = moment.hour % 12 or 12
            return f"{hour:02d}" if element == "03" else str(hour)
        case "minute" | "min":
            return f"{moment.minute:02d}" if element == "04" else str(moment.minute)
        case "second" | "s":
            return f"{moment.second:02d}" if element == "05" else str(moment.second)
        case "pm":
            word = "PM" if moment.hour >= 12 else "AM"
            return word if element == "PM" else word.lower()
        case "fraction":
            return _fraction(element, fraction_ns)
    return _offset(element, moment)


def _abbreviation(moment: datetime) -> str:
    name = moment.tzname() or "UTC"
    return name.removeprefix("UTC").replace(":", "") or "UTC"


def _fraction(element: str, fraction_ns: int) -> str:
    digits = f"{fraction_ns:09d}"[: len(element) - 1]
    if element[1] == "9":
        digits = digits.rstrip("0")
        return element[0] + digits if digits else ""
    return element[0] + digits.ljust(len(element) - 1, "0")


def _offset(element: str, moment: datetime) -> str:
    seconds = int((moment.utcoffset() or timedelta()).total_seconds())
    if element.startswith("Z") and seconds == 0:
        return "Z"
    hours, rest = divmod(abs(seconds), 3600)
    parts = [f"{hours:02d}", f"{rest // 60:02d}", f"{rest % 60:02d}"]
    number = (len(element.replace(":", "")) - 1) // 2
    return ("-" if seconds < 0 else "+") + (":" if ":" in element else "").join(parts[:number])
