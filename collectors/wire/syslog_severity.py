"""The severities of syslog, 0 to 7, in the words of its specification and the numbers of OpenTelemetry.

Source: RFC 5424, table 2, and https://opentelemetry.io/docs/specs/otel/logs/data-model-appendix/#appendix-b-severitynumber-example-mappings
"""

from typing import Final

SEVERITIES: Final = {
    "0": ("emerg", 21), "1": ("alert", 19), "2": ("crit", 18), "3": ("err", 17),
    "4": ("warning", 13), "5": ("notice", 10), "6": ("info", 9), "7": ("debug", 5),
}  # fmt: skip
"""Digit -> (word, severity_number)"""

FACILITIES: Final = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
"""Facility number -> word."""
