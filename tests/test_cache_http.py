"""Kept answers on the wire: tags, HEAD, gzip, errors and pages, and the addresses that are remembered for a day."""

import gzip
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client

from charon.api import fast_path
from markets.models import Job, Source
from markets.redis import generations, memory_cache, response_cache
from markets.store.publish import publish
from tests import test_cache
from tests.test_api_rates import JAN_2, JAN_3, fill, mids
from tests.test_cache import USD, mid

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]

dollar = test_cache.dollar  # assigned, not imported: arguments of its name would hide an import


def test_a_tag_that_is_known_is_answered_with_304_and_no_body(
    client: Client, nbp: Source, job: Job, dollar: None
) -> None:
    first = client.get("/rates", USD)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        for _ in range(2):
            again = client.get("/rates", USD, headers={"if-none-match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["ETag"] == tag
            assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
            assert again.headers["Vary"] == "Accept, Accept-Encoding"
    publish([mids(JAN_3, USD="3.9909")], nbp, job)
    changed = client.get("/rates", USD, headers={"if-none-match": tag})
    assert (changed.status_code, changed.json()["count"]) == (200, 2)
    assert changed.headers["ETag"] != tag


def test_a_body_that_somebody_else_changed_first_is_412_in_the_envelope(client: Client, dollar: None) -> None:
    for _ in range(2):
        refused = client.get("/rates", USD, headers={"if-match": '"other"'})
        assert (refused.status_code, refused.json()["error"]["code"]) == (412, "error")
        assert refused.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/rates?code=USD", "/gold", "/signals", "/signals/current", "/currencies"])
def test_answers_may_be_kept_for_a_minute_and_stale_ones_shown_for_a_day_when_we_cannot_be_reached(
    client: Client, dollar: None, path: str
) -> None:
    for _ in range(2):
        response = client.get(path)
        assert response.headers["Cache-Control"] == "public, max-age=60, stale-if-error=86400"
        assert response.headers["Vary"] == "Accept, Accept-Encoding"
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        assert response.headers["Content-Length"] == str(len(response.content))
        assert "Content-Language" not in response.headers


def test_head_tells_the_same_without_the_body(client: Client, dollar: None) -> None:
    full = client.get("/rates", USD)
    for _ in range(2):
        head = client.head("/rates", USD)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["ETag"] == full.headers["ETag"]
        assert head.headers["Content-Length"] == str(len(full.content))


@pytest.mark.parametrize(
    ("accepts", "packed"),
    [("gzip", True), ("gzip, deflate, br", True), ("br;q=1, gzip;q=0.5", True), ("gzip;q=0", False),
     ("gzip; q=0.0, identity", False), ("br", False), ("", False)],
)  # fmt: skip
def test_a_long_answer_is_packed_for_whoever_takes_gzip(
    client: Client, nbp: Source, accepts: str, packed: bool
) -> None:
    fill("USD", nbp, [date(2024, 1, day) for day in range(1, 32)])
    plain = client.get("/rates", USD)
    for _ in range(2):
        answer = client.get("/rates", USD, headers={"accept-encoding": accepts})
        assert answer.headers.get("Content-Encoding", "") == ("gzip" if packed else "")
        assert (gzip.decompress(answer.content) if packed else answer.content) == plain.content
        assert (len(answer.content) < len(plain.content) / 5) == packed
        assert (answer.headers["ETag"] == plain.headers["ETag"]) == (not packed)
        tag = {"accept-encoding": accepts, "if-none-match": answer.headers["ETag"]}
        assert client.get("/rates", USD, headers=tag).status_code == 304


def test_a_proxy_that_takes_its_own_ending_off_a_tag_leaves_ours_alone(client: Client, nbp: Source) -> None:
    """Caddy and Apache end the tags of what they pack in -gzip, and Caddy cuts that off again on the way in."""
    fill("USD", nbp, [date(2024, 1, day) for day in range(1, 32)])
    packed = {"accept-encoding": "gzip"}
    answer = client.get("/rates", USD, headers=packed)
    assert answer.headers["Content-Encoding"] == "gzip"
    known = answer.headers["ETag"].replace('-gzip"', '"')
    assert client.get("/rates", USD, headers=packed | {"if-none-match": known}).status_code == 304


def test_a_short_answer_is_sent_as_it_is(client: Client, dollar: None) -> None:
    answer = client.get("/rates", USD, headers={"accept-encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert answer.json()["count"] == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [("/rates?code=USB", 404), ("/rates?code=USD&from=x", 422), ("/gold?from=2024-02-01&to=2024-01-01", 400),
     ("/rates?code=USD&source=nobody", 404), ("/signals?code=USB", 404)],
)  # fmt: skip
def test_errors_are_kept_by_nobody(client: Client, dollar: None, path: str, status: int) -> None:
    for _ in range(2):
        response = client.get(path)
        assert response.status_code == status
        assert response.headers["Cache-Control"] == "no-store"
        assert "ETag" not in response.headers
    assert not any(shelf.rows for shelf in memory_cache.memory.shelves.values())
    assert not fast_path.asked.page[1]


def test_an_unknown_code_is_found_as_soon_as_there_is_one(client: Client, nbp: Source, job: Job) -> None:
    assert client.get("/rates", {"code": "USD"}).status_code == 404
    publish([mids(JAN_2, USD="3.9432")], nbp, job)
    assert mid(client) == "3.9432"


@pytest.mark.parametrize("fault", [OperationalError("gone"), InterfaceError("connection already closed")])
def test_a_database_that_is_away_is_503_for_a_known_question_too(
    client: Client, dollar: None, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    client.get("/rates", USD)
    waits: list[Any] = []

    def down(*asked: Any) -> Any:
        waits.append(asked)
        raise fault

    monkeypatch.setattr(generations, "number_of", down)
    monkeypatch.setattr("markets.queries.rates.find_currency", down)
    response = client.get("/rates", USD)
    assert (response.status_code, response.json()["error"]["code"], len(waits)) == (503, "unavailable", 1)


def test_a_strangers_host_is_refused_for_a_known_question_too(client: Client, dollar: None) -> None:
    client.get("/rates", USD)
    refused = client.get("/rates", USD, headers={"host": "evil.example"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_request")


def test_other_methods_are_refused_for_a_known_question_too(client: Client, dollar: None) -> None:
    path = "/rates?code=USD&from=2024-01-01"
    assert client.get(path).status_code == 200
    assert client.post(path).status_code == 405


def test_today_moves_on_and_the_same_words_mean_another_period(
    client: Client, nbp: Source, at: Callable[[str], None]
) -> None:
    fill("USD", nbp, [date(2026, 10, 26), date(2026, 10, 27)])
    at("2026-10-26 23:59")
    assert client.get("/rates?code=USD").json()["count"] == 1
    assert client.get("/rates?code=USD").json()["count"] == 1
    at("2026-10-27 00:00")
    assert client.get("/rates?code=USD").json()["count"] == 2


def test_a_question_of_last_midnight_is_not_taken_for_one_of_today(
    client: Client, nbp: Source, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked before midnight, understood before midnight, remembered after it."""
    fill("USD", nbp, [date(2026, 10, 26), date(2026, 10, 27)])
    at("2026-10-26 23:59")
    answer = response_cache.answer

    def slow(*words: Any) -> memory_cache.Cached:
        at("2026-10-27 00:00")
        return answer(*words)

    with monkeypatch.context() as patch:
        patch.setattr(response_cache, "answer", slow)
        client.get("/rates?code=USD")
    assert client.get("/rates?code=USD").json()["count"] == 2


def test_a_straggler_of_yesterday_does_not_write_into_the_new_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads at midnight: what one puts down meanwhile for its own day is not asked for on the other's."""
    asked, question = fast_path.RecentQuestions(), response_cache.Question.of("rates", "USD", "2024-01-02")

    class Overtaken(int):
        """Between the look at the day and the note, another thread begins the new day."""

        def __ge__(self, other: int) -> bool:
            monkeypatch.undo()
            asked.remember(("/gold", ""), question, JAN_3)
            return super().__ge__(other)

    monkeypatch.setattr(fast_path, "MAX_QUERY_LENGTH", Overtaken(300))
    asked.remember(("/rates", "code=USD"), question, JAN_2)
    assert asked.find(("/gold", ""), JAN_3)
    assert asked.find(("/rates", "code=USD"), JAN_3) is None


def test_endless_words_and_endlessly_many_words_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_path, "MAX_QUESTIONS", 10)
    question = response_cache.Question.of("gold", "XAU")
    fast_path.asked.remember(("/rates", "code=USD"), question, JAN_2)
    for number in range(25):
        fast_path.asked.remember(("/gold", f"limit={number}"), question, JAN_2)
    assert fast_path.asked.find(("/rates", "code=USD"), JAN_2), "another path's questions stay"
    fast_path.asked.remember(("/gold", "x" * 301), question, JAN_2)
    assert 0 < len(fast_path.asked.page[1]["/gold"]) <= 10
    assert fast_path.asked.find(("/gold", "limit=24"), JAN_2) is question
    assert fast_path.asked.find(("/gold", "limit=24"), JAN_3) is None
    assert fast_path.asked.find(("/gold", "x" * 301), JAN_2) is None


def test_the_count_of_a_list_is_the_whole_on_every_page(client: Client, nbp: Source) -> None:
    fill("USD", nbp, [date(2024, 1, day) for day in range(1, 11)])
    pages = {(3, 0): 3, (10, 0): 10, (11, 0): 10, (4, 8): 2, (4, 6): 4, (4, 10): 0, (4, 99): 0}
    for (limit, offset), length in pages.items():
        answer = json.loads(client.get("/rates", USD | {"limit": limit, "offset": offset}).content)
        assert (len(answer["items"]), answer["count"]) == (length, 10)
