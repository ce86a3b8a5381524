"""Asks a back-test: at once where it is small, as a job with progress where it is large; never twice."""

from typing import Final

from dashboard.backtests.question import BadQuestion, Question, question_of
from dashboard.backtests.run import Progress, answer
from fleet.actions.scaling import ask_backtest, note_backtest
from fleet.jobs import JobRun, job
from fleet.models import Backtest, Service
from policies.documents.located import DocumentError
from telemetry.model.errors import TelemetryError
from telemetry.store import current

RUN_BACKTEST: Final = "scaling.backtest"
"""Kind of the job."""
LARGE: Final = 300_000
"""Steps times plans from which a job does it; fewer take about a second."""


def ask(question: Question, actor: str) -> Backtest:
    """The row of the back-test, which may still run or may have failed.

    Raises BadQuestion and DocumentError for a question that cannot be asked.
    """
    question.checked()
    service = Service.objects.filter(name=question.service).first()
    if service is None:
        raise BadQuestion(f"there is no service called {question.service!r}")
    large = question.decisions > LARGE
    row, is_new = ask_backtest(
        service=service,
        environment=question.environment,
        question=question.as_json(),
        actor=actor,
        job_kind=RUN_BACKTEST if large else "",
    )
    if is_new and not large:
        _run(row.key, question, lambda ratio, message: None)
    row.refresh_from_db()
    return row


@job(RUN_BACKTEST)
def run_backtest(run: JobRun, key: str) -> str:
    """Job: run the back-test of that key and keep its result."""
    row = Backtest.objects.get(key=key)
    return _run(key, question_of(row.question), run.progress)


def _run(key: str, question: Question, progress: Progress) -> str:
    try:
        result = answer(question, current(), progress)
    except (BadQuestion, DocumentError, TelemetryError, ValueError) as error:
        note_backtest(key=key, result=None, error=str(error))
        return f"failed: {error}"
    note_backtest(key=key, result=result)
    return f"{len(result['results'])} policies replayed"
