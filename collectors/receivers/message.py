"""What receivers get and give: a request with its body, and an answer now or once something is committed."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from fleet.tokens import Principal
from telemetry.model.samples import Refusal, WriteReceipt


@dataclass(frozen=True, slots=True)
class Received:
    """One pushed request. `body` is as it was sent, still compressed."""

    path: str
    query: Mapping[str, str]
    content_type: str
    """Without parameters, in lower case; empty if the sender names none."""
    content_encoding: str
    body: bytes
    principal: Principal
    received_ns: int
    content_parameters: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the content type, such as `proto`; names in lower case."""
    method: str = "POST"

    @property
    def service(self) -> str | None:
        """Service that everything of this request belongs to, if its token is bound to one."""
        return self.principal.service

    @property
    def is_json(self) -> bool:
        return self.content_type == "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_headers(self, **headers: str) -> "Reply":
        """The same answer with further headers; names in lower case."""
        return replace(self, headers={**self.headers, **headers})


@dataclass(frozen=True, slots=True)
class Pending:
    """An answer that waits for a commit; no thread waits with it."""

    future: "Future[WriteReceipt]"
    reply: Callable[[WriteReceipt], Reply]
    """Gets what the store took, with all refusals, the decoder's first."""
    refusals: tuple[Refusal, ...] = ()
    """What the decoder refused."""
    is_recognisable: bool = False
    """Whether the same request again can only be the same log records."""


ErrorForm = Callable[[int, str, str], Reply]
"""(status, sentence, content type of the request) -> the answer in the form of the protocol."""


def media_type(content_type: str) -> tuple[str, dict[str, str]]:
    """(type in lower case, parameters by name in lower case) of a Content-Type header."""
    kind, *parameters = content_type.split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return kind.strip().lower(), {name.strip().lower(): value.strip(' "') for name, _, value in pairs}


def plain_error(status: int, sentence: str, content_type: str) -> Reply:
    """A line of text: what Prometheus and Loki senders log."""
    return Reply(status, f"{sentence}\n".encode())


def json_error(status: int, sentence: str, content_type: str) -> Reply:
    """Our own form."""
    return json_reply(status, {"error": sentence})


def json_reply(status: int, document: object) -> Reply:
    return Reply(status, json.dumps(document).encode(), "application/json")
