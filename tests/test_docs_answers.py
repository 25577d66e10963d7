"""Every question that the documents ask with curl is asked; the answers that they show have the shape of the real."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.http import HttpResponseBase
from django.test import Client

from markets import clock, problems, timeframes
from markets.models import Job, Listing, Source
from markets.records import Bar, Price, RateRecord, Table
from markets.store.prices import save_bars, save_prices
from markets.store.publish import publish
from tests.alert_rows import alert_event, alert_rule
from tests.cases import walk
from tests.documents.blocks import Block, in_language, pairs
from tests.documents.shell import Command, commands
from tests.market import source
from tests.replica import Replica
from tests.test_docs import decided  # noqa: F401  the fixture of decisions
from tests.test_docs_commands import ASKED
from tests.test_engine import wave

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]

TOKEN = "let-me-in-for-this-test"
TODAY = date(2026, 10, 26)
# What a line sends from a file.
FILES = {"@revenue.csv": "code,date,amount\nUSD,2025-12-29,1500\n"}
# Of these every figure is the bank's own, as its replica publishes it.
EXACT = r"/rates\?code=USD&from=2024-01-01&to=2024-01-31|/gold\?from=2026-03-02"
ANSWERS = dict(pairs("sh", "json"))
DECISIONS = [question for question in ANSWERS if "/signals" in question.text]


@pytest.fixture
def official(at: Callable[[str], None], replica: Replica, nbp: Source, request: pytest.FixtureRequest) -> None:
    """Some months of the dollar, some days of others, and two pieces as the bank publishes them."""
    at("2026-10-26 12:00")
    for letter, start, end in (("A", "2024-01-01", "2024-01-31"), ("gold", "2026-03-02", "2026-03-02")):
        call_command("mine", "nbp", "--table", letter, "--from", start, "--to", end, "--json")
    job = request.getfixturevalue("job")
    for code, kind, table, days in (("USD", "currency", "A", 320), ("EUR", "currency", "A", 40),
                                    ("XAU", "metal", "gold", 5)):  # fmt: skip
        values = wave(days, TODAY - timedelta(days=days - 1))
        publish([Table(table, day, [RateRecord(code, mid=value)], kind=kind) for day, value in values], nbp, job)
    Job.objects.filter(pk=job.pk).update(status=Job.Status.SUCCESS, lease_until=None)
    problems.report("liveness", "web")


@pytest.fixture
def market(official: None, settings: Any) -> None:
    """Bitcoin alone is followed; it moved, and somebody was told."""
    settings.API_TOKEN = TOKEN
    now = clock.now()
    start = timeframes.start_of(now, 3600)
    Listing.objects.exclude(source__code="nbp").update(tracked=False)
    said = [Price("bitcoin", Decimal(67301), now - timedelta(minutes=6)),
            Price("bitcoin", Decimal("67321.5"), now, change=Decimal("-1.4093"))]  # fmt: skip
    save_prices(said, source("coingecko", ["BTC"]))
    end, volume = start + timedelta(hours=1), Decimal("1.204")
    first, high, low, last = (Decimal(text) for text in ("67102.1", "67480", "66990.5", "67321.5"))
    running = Bar("BTCUSDT", "1h", start, end, first, high, low, last, volume)
    save_bars([running], source("binance", ["BTCUSDT"]))
    alert_event(alert_rule())


def questions(block: Block) -> Iterator[Command]:
    for command in commands(block.text):
        if command.words[:1] == ["curl"] and any(urlsplit(word).netloc == ASKED for word in command.words):
            yield command


def asked(client: Client, command: Command) -> HttpResponseBase:
    """As curl would: POST where it has a body and no method is named. Where an answer is kept is not looked at."""
    words = iter(command.words[1:])
    method, headers, body, url = "", {}, None, ""
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value.replace("$API_TOKEN", TOKEN)
        elif word in {"-d", "--data-binary"}:
            body = next(words)
        elif word == "-o":
            next(words)
        elif not word.startswith("-"):
            url = word
    path, _, query = url.removeprefix(f"http://{ASKED}").replace("limit=1&offset=170", "").partition("?")
    kind = headers.pop("Content-Type", "application/json")
    return client.generic(
        method or ("POST" if body else "GET"), path, FILES.get(body or "", body or ""), kind,
        QUERY_STRING=query, headers=headers,
    )  # fmt: skip


def shape(value: Any) -> Any:
    """The keys of an answer in all its depth; a list is known by its first item's keys."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value[:1] if isinstance(item, dict)] if isinstance(value, list) else None


def alike(real: Any, shown: Any) -> Any:
    """Of a page of many the rows of the code that is shown."""
    if not isinstance(shown, dict) or "code" not in (shown.get("items") or [{}])[0]:
        return real
    rows = [row for row in real["items"] if row["code"] == shown["items"][0]["code"]]
    return real | {"items": rows}


@pytest.mark.slow
@walk("block", [block for block in in_language("sh") if any(questions(block))], ids=str)
def test_every_question_is_answered_as_it_is_shown(client: Client, market: None, block: Block) -> None:
    """Those of one block one after the other: what the first adds the second may remove."""
    given = [asked(client, command) for command in questions(block)]
    shown = json.loads(ANSWERS[block].text) if block in ANSWERS and block not in DECISIONS else {}
    assert [one.status_code for one in given if (one.status_code >= 400) != ("error" in shown)] == []
    if shown:
        [answer] = given
        compare(alike(json.loads(answer.content), shown), shown, block.text)  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.usefixtures("decided")
def test_the_decisions_that_are_shown_have_the_types_of_the_apis(client: Client) -> None:
    assert len(DECISIONS) == 2
    for block in DECISIONS:
        (command,) = questions(block)
        shown = json.loads(ANSWERS[block].text)
        real = json.loads(asked(client, command).content)  # type: ignore[attr-defined]
        compare(alike(real, shown), shown, block.text)


def compare(real: Any, shown: Any, question: str) -> None:
    """In shape; what the bank published to the last digit; decisions and errors by what does not move."""
    assert shape(real) == shape(shown)
    if re.search(EXACT, question):
        assert real == shown
    if "/signals" in question:
        ours, theirs = real["items"][0], shown["items"][0]
        assert [(name, type(value)) for name, value in ours.items()] == [
            (name, type(value)) for name, value in theirs.items()
        ]
        assert ours["rule"] == theirs["rule"]
    if "error" in shown:
        assert real["error"]["message"] == shown["error"]["message"]


def test_the_pages_show_answers() -> None:
    assert len([block for block in ANSWERS if block.page == "docs/api-tour.md"]) == 13
    assert len([block for block in ANSWERS if block.page == "docs/first-alert.md"]) == 3


class Addresses(HTMLParser):
    """What a page would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag] = dict(attrs).get("src") or dict(attrs).get("href") or ""


def test_pictures_and_frames_of_the_page_are_there(client: Client, nbp: Source, job: Job) -> None:
    """The block of docs/feeds.md."""
    publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in wave(5)], nbp, job)
    for block in in_language("html"):
        found = Addresses(block.text).found
        assert found.keys() == {"img", "iframe"}
        for tag, address in found.items():
            parts = urlsplit(address)
            answer = client.get(f"{parts.path}?{parts.query}")
            assert (answer.status_code, parts.netloc) == (200, "rates.example.org"), address
            kind = {"img": "image/svg+xml", "iframe": "text/html"}[tag]
            assert answer.headers["Content-Type"].partition(";")[0] == kind
