"""Ready-to-paste configuration of senders. `TOKEN` stands for a token of the settings page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snippet:
    """How one kind of sender is told to send here; `scope` is what its token needs."""

    name: str
    scope: str
    text: str
    command: str


def snippets(url: str) -> list[Snippet]:
    """Snippets for a server at `url`."""
    host = url.partition("://")[2]
    return [
        Snippet(
            "Prometheus",
            "ingest:metrics",
            "Add to prometheus.yml; everything it scrapes arrives here too.",
            f"remote_write:\n  - url: {url}/api/v1/write\n    authorization:\n      credentials: TOKEN",
        ),
        Snippet(
            "OpenTelemetry SDK",
            "ingest:metrics, ingest:logs",
            "Environment of any instrumented program; service.name names the service.",
            f"export OTEL_EXPORTER_OTLP_ENDPOINT={url}\n"
            "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n"
            "export OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN\n"
            "export OTEL_SERVICE_NAME=checkout",
        ),
        Snippet(
            "OpenTelemetry Collector",
            "ingest:metrics, ingest:logs",
            "An exporter for the metrics and logs pipelines.",
            f'exporters:\n  otlphttp/belvedere:\n    endpoint: {url}\n    headers: {{authorization: "Bearer TOKEN"}}',
        ),
        Snippet(
            "Promtail, Alloy, Vector (Loki)",
            "ingest:logs",
            "The Loki push endpoint; stream labels stay exactly as they are sent.",
            f"clients:\n  - url: {url}/loki/api/v1/push\n    bearer_token: TOKEN",
        ),
        Snippet(
            "structlog or any JSON lines",
            "ingest:logs",
            "One record a line; level, timestamp and event are recognised.",
            f'curl -H "Authorization: Bearer TOKEN" --data-binary @app.log "{url}/api/logs?service=checkout"',
        ),
        Snippet(
            "Batch job metrics",
            "ingest:metrics",
            "Push exposition text at the end of a job.",
            f'curl -H "Authorization: Bearer TOKEN" --data-binary @metrics.prom "{url}/api/metrics/nightly-report"',
        ),
        Snippet(
            "pip-audit",
            "ingest:audits",
            "In CI or on the host; every package that could not be audited is shown as unknown.",
            'pip-audit -f json | curl -H "Authorization: Bearer TOKEN" --data-binary @- '
            f'"{url}/api/audits?service=checkout&environment=production"',
        ),
        Snippet(
            "pip-audit without internet",
            "none from this machine",
            "The advisory mirror here answers the OSV API.",
            f"pip-audit -s osv --osv-url {url}/osv/v1/query",
        ),
        Snippet(
            "Deployments",
            "ingest:deploys",
            "One line at the end of a pipeline marks the release on every figure.",
            'curl -H "Authorization: Bearer TOKEN" -H "Content-Type: application/json" '
            '-d \'{"service":"checkout","environment":"production","version":"1.4.2"}\' '
            f"{url}/api/deployments",
        ),
        Snippet(
            "Cloud bill (FOCUS)",
            "ingest:costs",
            "A FOCUS 1.0 CSV; the tag service names the service.",
            'curl -H "Authorization: Bearer TOKEN" -H "Content-Type: text/csv" --data-binary @focus.csv '
            f"{url}/api/costs",
        ),
        Snippet(
            "promtool and Grafana",
            "query",
            "Read back with PromQL; in Grafana add a Prometheus data source with this address and the header.",
            f"promtool query instant http://belvedere:TOKEN@{host} 'sum by (service) (rate(http_requests_total[5m]))'",
        ),
    ]
