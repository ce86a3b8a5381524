"""What was pushed and what was refused, by protocol."""

from typing import Final

from prometheus_client import Counter

REQUESTS: Final = Counter("belvedere_ingest_requests", "Pushed requests answered.", ["protocol", "code"])
ITEMS: Final = Counter("belvedere_ingest_items", "Samples or log records committed.", ["protocol"])
REPEATED: Final = Counter(
    "belvedere_ingest_repeated_requests", "Log pushes that were acknowledged before and not stored again.", ["protocol"]
)
REFUSED: Final = Counter("belvedere_ingest_refused", "Requests, samples or records refused.", ["protocol", "reason"])
