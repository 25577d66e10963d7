"""A receiver of webhooks: it verifies Standard Webhooks 1.0.0, counts what it accepts, and misbehaves on demand.

POST /hook/MODE takes a message: `ok`, `500` (not taken), `500-taken` (taken, and yet a 500), `hang` and `hang-taken`
(no answer for a minute), `redirect`, `410`, `drip` (its body byte by byte), `chance` (one of these). `/` shows what
arrived, `/received` as JSON.
"""

import base64
import hashlib
import hmac
import html
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from tests.replica.answer import Answer, as_json, content, text
from tests.replica.service import Service
from tests.replica.wire import Request

SECRET = "whsec_" + base64.b64encode(b"only for the demo and the tests").decode()
TOLERANCE = 300  # seconds that the time of a message may differ
HANG = 60.0
DRIP = 1.0
SHOWN = 100
PAGE = """<!doctype html><html lang="pl"><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<title>Odbiornik demonstracyjny</title>
<style>body{{font:16px/1.5 sans-serif;margin:2rem}}td,th{{padding:.2rem .8rem;text-align:left}}</style>
<h1>Odbiornik demonstracyjny</h1><p>Przyjęte: {taken}. Ponowione: {again}. Odrzucone: {refused}.</p>
<table><tr><th>Kiedy (UTC)<th>Rodzaj<th>Treść<th>Razy</tr>{rows}</table></html>"""


@dataclass
class Message:
    """One key: the first body that came with it, and how often it was sent."""

    key: str
    body: bytes
    at: datetime
    times: int = 1

    def row(self) -> dict[str, Any]:
        return {"id": self.key, "at": self.at.isoformat(), "times": self.times, "body": json.loads(self.body)}


@dataclass
class Received:
    """What has arrived. `accepted_twice`: keys that came again with another body, which no receiver could dedupe."""

    messages: dict[str, Message] = field(default_factory=dict)
    accepted_twice: set[str] = field(default_factory=set)
    refused: int = 0

    def take(self, key: str, body: bytes, at: datetime) -> None:
        known = self.messages.get(key)
        if known is None:
            self.messages[key] = Message(key, body, at)
            return
        known.times += 1
        if known.body != body:
            self.accepted_twice.add(key)

    @property
    def again(self) -> int:
        return sum(message.times - 1 for message in self.messages.values())


class Receiver(Service):
    """`choose` names the mode of a message that comes to /hook/chance."""

    name = "receiver"
    base = "/"
    told: ClassVar = ()

    def __init__(
        self, secret: str = SECRET, choose: Callable[[], str] = lambda: "ok", tolerance: int = TOLERANCE
    ) -> None:
        self.secret, self.choose, self.tolerance, self.received = secret, choose, tolerance, Received()

    def answer(self, request: Request, now: datetime) -> Answer:
        if request.method == "GET":
            return self.shown(request.path)
        if request.method != "POST" or not request.path.startswith("/hook/"):
            return text(404, "Not Found")
        if fault := self.fault(request, now.timestamp()):
            self.received.refused += 1
            return text(401, fault)
        mode = request.path.removeprefix("/hook/")
        return self.played(self.choose() if mode == "chance" else mode, request, now)

    def played(self, mode: str, request: Request, now: datetime) -> Answer:
        if mode in {"ok", "500-taken", "hang-taken", "drip"}:
            self.received.take(request.headers["webhook-id"], request.body, now)
        answers = {
            "ok": as_json({"ok": True}),
            "500": text(500, "broken"),
            "500-taken": text(500, "broken"),
            "hang": Answer(200, b"OK", {}, b"", held=HANG),
            "hang-taken": Answer(200, b"OK", {}, b"", held=HANG),
            "redirect": Answer(307, b"Temporary Redirect", {"Location": "http://127.0.0.1:9/"}, b""),
            "410": text(410, "gone"),
            "drip": Answer(200, b"OK", {}, b"x" * 120, drip=DRIP),
        }
        return answers.get(mode) or text(404, "Not Found")

    def fault(self, request: Request, now: float) -> str:
        """Why a message is not what the sender signed; empty when it is."""
        key, stamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
        if not key or not stamp.isdecimal():
            return "webhook-id or webhook-timestamp is missing"
        if abs(int(stamp) - now) > self.tolerance:
            return "webhook-timestamp is too far away"
        wanted = signature(self.secret, key, stamp, request.body)
        given = request.headers.get("webhook-signature", "").split(" ")
        return "" if any(hmac.compare_digest(one, wanted) for one in given) else "webhook-signature is wrong"

    def shown(self, path: str) -> Answer:
        if path == "/received":
            newest = list(self.received.messages.values())[::-1][:SHOWN]
            counts = {"taken": len(self.received.messages), "again": self.received.again}
            return as_json({**counts, "refused": self.received.refused, "messages": [one.row() for one in newest]})
        return content("text/html; charset=utf-8", self.page().encode()) if path == "/" else text(404, "Not Found")

    def page(self) -> str:
        newest = list(self.received.messages.values())[::-1][:SHOWN]
        rows = "".join(table_row(one) for one in newest)
        received = self.received
        return PAGE.format(taken=len(received.messages), again=received.again, refused=received.refused, rows=rows)


def table_row(message: Message) -> str:
    said = json.loads(message.body)
    words = said.get("data", {}).get("title") or json.dumps(said.get("data"), ensure_ascii=False)
    cells = (f"{message.at.astimezone(UTC):%H:%M:%S}", said.get("type", ""), words, message.times)
    return "<tr>" + "".join(f"<td>{html.escape(str(cell))}" for cell in cells) + "</tr>"


def signature(secret: str, key: str, stamp: str, body: bytes) -> str:
    """standardwebhooks.com: v1 is HMAC-SHA256 over `id.timestamp.body`."""
    signed = b".".join([key.encode(), stamp.encode(), body])
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
