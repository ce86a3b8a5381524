"""Decoded samples on their way into the store: floats, native histograms and exemplars, answered together."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

from collectors.wire.decoded import DecodedSamples
from telemetry.model.samples import WriteReceipt
from telemetry.store.current import current


def write_decoded(decoded: DecodedSamples, service: str | None) -> "Future[WriteReceipt]":
    """Resolved once all are committed, with one receipt. Raises StoreBusy or StoreUnavailable at once."""
    store = current()
    batch, histograms, exemplars = decoded.batch, decoded.histograms, decoded.exemplars
    if histograms is None and exemplars is None:
        return store.write_samples(batch, service=service)
    parts: list[Future[WriteReceipt]] = []
    if len(batch) or batch.metadata:
        parts.append(store.write_samples(batch, service=service))
    if histograms is not None:
        written = store.write_histograms(histograms, service=service)
        parts.append(_counted(written, lambda receipt: replace(receipt, histograms=receipt.accepted)))
    if exemplars is not None:
        written = store.write_exemplars(exemplars, service=service)
        parts.append(_counted(written, lambda receipt: replace(receipt, exemplars=receipt.accepted)))
    whole = parts[0]
    for part in parts[1:]:
        whole = joined(whole, part)
    return whole


def joined(first: "Future[WriteReceipt]", second: "Future[WriteReceipt]") -> "Future[WriteReceipt]":
    """Resolved with the receipts of both together, or with the error of either."""
    both = _running()

    def after_first(done: "Future[WriteReceipt]") -> None:
        second.add_done_callback(lambda _: _resolve(both, done, second))

    first.add_done_callback(after_first)
    return both


def _counted(written: "Future[WriteReceipt]", count: Callable[[WriteReceipt], WriteReceipt]) -> "Future[WriteReceipt]":
    """`written` with its receipt counted by `count`."""
    counted = _running()

    def resolve(done: "Future[WriteReceipt]") -> None:
        if (error := done.exception()) is not None:
            counted.set_exception(error)
        else:
            counted.set_result(count(done.result()))

    written.add_done_callback(resolve)
    return counted


def _running() -> "Future[WriteReceipt]":
    future: Future[WriteReceipt] = Future()
    future.set_running_or_notify_cancel()
    return future


def _resolve(both: "Future[WriteReceipt]", first: "Future[WriteReceipt]", second: "Future[WriteReceipt]") -> None:
    error = first.exception() or second.exception()
    if error is not None:
        both.set_exception(error)
        return
    one, other = first.result(), second.result()
    both.set_result(
        WriteReceipt(
            one.accepted + other.accepted,
            one.refusals + other.refusals,
            one.histograms + other.histograms,
            one.exemplars + other.exemplars,
        )
    )
