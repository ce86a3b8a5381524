"""Query APIs: Prometheus, Loki, OSV and our own REST API."""
