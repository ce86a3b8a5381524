import json

import pytest

from telemetry.patterns.errors import SignatureCache, error_signature
from telemetry.patterns.traces import read_trace

PYTHON = """Traceback (most recent call last):
  File "/srv/app/api/views.py", line {line}, in dispatch
    return handler(request)
  File "/srv/app/shop/services.py", line 88, in process
    row = self.repo.lock(pk)
  File "/usr/lib/python3/site-packages/django/db/backends/utils.py", line 105, in _execute
    return self.cursor.execute(sql, params)
django.db.utils.OperationalError: canceling statement {id} due to timeout"""

JAVA = """Exception in thread "main" com.shop.OrderException: order {id} failed
	at com.shop.Orders.place(Orders.java:{line})
	at com.shop.Api.post(Api.java:12)
	at org.springframework.web.Servlet.service(Servlet.java:900)
Caused by: java.sql.SQLException: gone
	at com.db.Driver.run(Driver.java:1)"""

GO = """panic: runtime error: index out of range [{id}] with length 3

goroutine 1 [running]:
main.(*Cart).total(0xc000012345, 0x{line})
	/srv/shop/cart.go:{line} +0x1d
main.main()
	/srv/shop/main.go:9 +0x25
exit status 2"""

JAVASCRIPT = """TypeError: Cannot read properties of undefined (reading '{id}')
    at Cart.total (/srv/app/src/cart.js:{line}:11)
    at async handle (/srv/app/src/server.js:9:3)
    at next (/srv/app/node_modules/express/lib/router/index.js:280:10)"""


@pytest.mark.parametrize(
    ("text", "kind", "culprit"),
    [
        (PYTHON, "django.db.utils.OperationalError", "process in shop/services.py"),
        (JAVA, "com.shop.OrderException", "place in com.shop.Orders"),
        (GO, "panic", "main.(*Cart).total in shop/cart.go"),
        (JAVASCRIPT, "TypeError", "Cart.total in src/cart.js"),
    ],
)
def test_a_trace_is_one_error_whatever_its_lines_and_values(text, kind, culprit):
    first = error_signature(text.replace("{line}", "12").replace("{id}", "7"), "")
    second = error_signature(text.replace("{line}", "99").replace("{id}", "8"), "")
    assert (first.type, first.culprit) == (kind, culprit)
    assert first.fingerprint == second.fingerprint


def test_errors_from_different_places_are_different():
    other = PYTHON.replace("in process", "in refund")
    assert error_signature(PYTHON, "").fingerprint != error_signature(other, "").fingerprint


def test_chained_tracebacks_are_the_last_one():
    chained = (
        "Traceback (most recent call last):\n  File \"a.py\", line 1, in a\nKeyError: 'x'\n\n"
        "During handling of the above exception, another exception occurred:\n\n" + PYTHON
    )
    trace = read_trace(chained)
    assert trace is not None
    assert trace.type == "django.db.utils.OperationalError"


def test_the_trace_of_a_structlog_line_is_found_in_its_field():
    line = json.dumps({"event": "unhandled", "level": "error", "exception": PYTHON})
    assert error_signature(line, "") == error_signature(PYTHON, "")


def test_the_trace_of_opentelemetry_is_found_in_the_attributes():
    attributes = json.dumps({"exception.type": "X", "exception.stacktrace": JAVASCRIPT})
    assert error_signature("boom", attributes) == error_signature(JAVASCRIPT, "")


def test_an_error_line_without_a_trace_is_grouped_by_its_message():
    first, second = error_signature("payment 1 refused", ""), error_signature("payment 2 refused", "")
    assert first == second
    assert (first.type, first.title, first.culprit) == ("", "payment <*> refused", "")


def test_the_cache_answers_as_the_reader_does():
    cache = SignatureCache()
    lines = [PYTHON.replace("{line}", str(n)).replace("{id}", "abc") for n in (1, 2)] + ["user added", "user faced"]
    assert [cache.of(line, "") for line in lines * 2] == [error_signature(line, "") for line in lines * 2]


@pytest.mark.parametrize(
    "text", ["", "Traceback (most recent call last)", "goroutine ", "\n\tat ", "x\n    at y\n" * 9000]
)
def test_what_only_looks_like_a_trace_is_none(text):
    assert read_trace(text) is None
