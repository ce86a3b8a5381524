"""What `belvedere up` says to the person who started it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings

from dashboard.accounts.setup import setup_link
from dashboard.runtime.listening import is_loopback
from fleet.models import ApiToken
from fleet.tokens import create_token

LOCAL_NAME: Final = "local"
LOCAL_SCOPES: Final = (
    "ingest:metrics",
    "ingest:logs",
    "ingest:audits",
    "ingest:deploys",
    "ingest:costs",
    "query",
)

_SENDING: Final = """\
Token for sending data from this machine, shown this once:
  export BELVEDERE_TOKEN={token}
A log line:
  curl -H "Authorization: Bearer $BELVEDERE_TOKEN" -H "Content-Type: application/json" {url}/loki/api/v1/push \\
    -d '{{"streams": [{{"stream": {{"service_name": "shop"}}, "values": [["'$(date +%s%N)'", "hello"]]}}]}}'
A dependency audit:
  pip-audit -f json | curl -H "Authorization: Bearer $BELVEDERE_TOKEN" --data-binary @- \\
    "{url}/api/audits?service=shop&environment=production"
Logs and metrics of an OpenTelemetry SDK:
  export OTEL_EXPORTER_OTLP_ENDPOINT={url} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
  export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20$BELVEDERE_TOKEN"
Prometheus, in prometheus.yml:
  remote_write: [{{url: "{url}/api/v1/write", authorization: {{credentials_file: FILE_WITH_THE_TOKEN}}}}]
"""

_SENDING_LATER: Final = """\
To send data, make a token:  belvedere token create --name NAME --scopes ingest:metrics,ingest:logs{data}
Snippets for every sender:   {url}/settings/senders
"""

_LOOK_AROUND: Final = """\
A simulated fleet to look around in:  belvedere demo{data}
Known vulnerabilities, in OSV form:   belvedere import advisories FILE|URL{data}
Stop with Ctrl-C.
"""

_NOT_LOCAL: Final = """\
Others reach this address: set BELVEDERE_PUBLIC_URL to the one they use, and put a TLS proxy in front.
"""


def greeting() -> str:
    """The text. Makes the set-up link if there is no administrator, and the local token at the first start."""
    return "\n".join(_paragraphs())


def _paragraphs() -> Iterator[str]:
    url, data = settings.PUBLIC_URL, _data_option()
    yield f"Belvedere listens on {url}\nData directory: {settings.DATA_DIR}"
    if link := setup_link():
        yield f"Set-up link: {link}\n  makes the first administrator, once, within 24 hours\n"
    if not is_loopback(settings.LISTEN):
        yield _NOT_LOCAL
    token = _new_local_token()
    yield _SENDING.format(url=url, token=token) if token else _SENDING_LATER.format(url=url, data=data)
    yield _LOOK_AROUND.format(data=data)


def _new_local_token() -> str | None:
    """Text of the token for this machine; None if it was made before, or if others can reach the address."""
    if not is_loopback(settings.LISTEN) or ApiToken.objects.filter(name=LOCAL_NAME).exists():
        return None
    _, text = create_token(name=LOCAL_NAME, scopes=LOCAL_SCOPES, actor="system")
    return text


def _data_option() -> str:
    """` --data DIR` if the commands would otherwise look elsewhere."""
    default = Path("~/.local/share/belvedere").expanduser()
    return "" if default == settings.DATA_DIR else f" --data {settings.DATA_DIR}"
