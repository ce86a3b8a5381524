"""Sentences and receipts that several protocols share."""

from collections.abc import Sequence

from telemetry.model.samples import Refusal, WriteReceipt


def with_decoded(receipt: WriteReceipt, decoded: Sequence[Refusal]) -> WriteReceipt:
    """The receipt of the store together with what the decoder had refused already."""
    return WriteReceipt(receipt.accepted, (*decoded, *receipt.refusals))


def refused_sentence(refusals: Sequence[Refusal], what: str) -> str:
    """Names every reason with its number of `what`, at most ten."""
    parts = [f"{refusal.count:,} {what} refused: {refusal.message}" for refusal in refusals[:10]]
    if len(refusals) > 10:
        parts.append(f"and {sum(refusal.count for refusal in refusals[10:]):,} more")
    return "; ".join(parts)
