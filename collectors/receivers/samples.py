"""Decoded samples on their way into the store: floats and native histograms, answered together."""

from concurrent.futures import Future

from collectors.wire.decoded import DecodedSamples
from telemetry.model.samples import WriteReceipt
from telemetry.store.current import current


def write_decoded(decoded: DecodedSamples, service: str | None) -> "Future[WriteReceipt]":
    """Resolved once both are committed, with one receipt. Raises StoreBusy or StoreUnavailable at once."""
    store = current()
    if decoded.histograms is None:
        return store.write_samples(decoded.batch, service=service)
    histograms = store.write_histograms(decoded.histograms, service=service)
    if not len(decoded.batch) and not decoded.batch.metadata:
        return histograms
    return joined(store.write_samples(decoded.batch, service=service), histograms)


def joined(first: "Future[WriteReceipt]", second: "Future[WriteReceipt]") -> "Future[WriteReceipt]":
    """Resolved with the receipts of both together, or with the error of either."""
    both: Future[WriteReceipt] = Future()
    both.set_running_or_notify_cancel()

    def after_first(done: "Future[WriteReceipt]") -> None:
        second.add_done_callback(lambda _: _resolve(both, done, second))

    first.add_done_callback(after_first)
    return both


def _resolve(both: "Future[WriteReceipt]", first: "Future[WriteReceipt]", second: "Future[WriteReceipt]") -> None:
    error = first.exception() or second.exception()
    if error is not None:
        both.set_exception(error)
        return
    one, other = first.result(), second.result()
    both.set_result(WriteReceipt(one.accepted + other.accepted, one.refusals + other.refusals))
