"""What a replica says back, and the few forms that most services share."""

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from http.client import responses
from typing import Any

Headers = dict[str, str]
JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """`packs`: it leaves gzipped when the other side takes that. `held`: seconds before it leaves; `drip`: seconds
    before each byte of its body."""

    status: int
    reason: bytes
    headers: Headers
    body: bytes
    packs: bool = False
    held: float = 0.0
    drip: float = 0.0


class Refused(Exception):
    """Ends the reading of a request with an answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


def plain(status: int, reason: str, body: str) -> Answer:
    """The reason phrase leaves in CP1250 and the body in UTF-8, as the NBP does it; it is ASCII everywhere else."""
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return Answer(status, reason.encode("cp1250", "replace"), headers, body.encode())


def text(status: int, body: str) -> Answer:
    return plain(status, phrase(status), body)


def content(kind: str, body: bytes, *, packs: bool = True) -> Answer:
    return Answer(200, b"OK", {"Content-Type": kind}, body, packs)


def as_json(value: Any, status: int = 200, headers: Headers | None = None) -> Answer:
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Answer(status, phrase(status).encode(), {"Content-Type": JSON, **(headers or {})}, body, status == 200)


def with_headers(answer: Answer, headers: Headers) -> Answer:
    return replace(answer, headers={**answer.headers, **headers})


def with_body(answer: Answer, body: bytes) -> Answer:
    """A right answer with another body; its proof, if it carries one, follows."""
    headers = {**answer.headers, "ETag": etag(body)} if "ETag" in answer.headers else answer.headers
    return replace(answer, headers=headers, body=body)


def etag(body: bytes) -> str:
    return f'"{base64.b64encode(hashlib.sha256(body).digest()).decode()}"'


def phrase(status: int) -> str:
    return responses.get(status, "")
