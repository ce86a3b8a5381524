"""A native histogram as text, as Go prints it in Prometheus."""

from telemetry.model.histograms import CUSTOM_SCHEMA, Histogram, shown_buckets
from telemetry.syntax.numbers import format_general


def text_of(histogram: Histogram) -> str:
    """`{count:3, sum:2.5, [-0.001,0.001]:1, (0.5,1]:2}`: filled buckets only."""
    buckets = shown_buckets(histogram)
    parts = [f"count:{format_general(histogram.count)}", f"sum:{format_general(histogram.sum)}"]
    for lower, upper, count in zip(
        buckets.lower.tolist(), buckets.upper.tolist(), buckets.counts.tolist(), strict=True
    ):
        if count != 0:
            opening, closing = brackets(histogram.schema, lower, upper)
            parts.append(f"{opening}{format_general(lower)},{format_general(upper)}{closing}:{format_general(count)}")
    return "{" + ", ".join(parts) + "}"


def brackets(schema: int, lower: float, upper: float) -> tuple[str, str]:
    """Square where the bound belongs to the bucket: the one farther from zero does, of the zero bucket both."""
    if schema == CUSTOM_SCHEMA:
        return ("[" if lower == float("-inf") else "("), "]"
    is_zero = lower == -upper
    return ("[" if lower < 0 or is_zero else "("), ("]" if upper > 0 or is_zero else ")")
