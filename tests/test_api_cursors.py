"""Pages of lists: `Link` leads from each to the next, and through a cursor nothing that arrives meanwhile moves it."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import QuerySet
from django.test import Client

from markets import clock
from markets.instruments import create
from markets.models import Job, Override, Revision, Source
from signals.alerts.models import AlertEvent
from signals.models import Signal
from tests.alert_rows import alert_event, alert_rule
from tests.cases import walk
from tests.market import decision, instrument, source
from tests.operations import gets
from tests.test_api_errors import error

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]

NEXT = re.compile(r'<(/api/v1/[^>]+)>; rel="next"')
MOMENT = "2026-10-26 12:00"


@pytest.fixture(autouse=True)
def that_day(at: Callable[[str], None], settings: Any) -> None:
    at(MOMENT)
    settings.API_TOKEN = "let-me-in-please"


def pages(client: Client, address: str, between: Callable[[], object] = lambda: None) -> Iterator[list[dict[str, Any]]]:
    """The items of each page, from Link to Link; something may happen in between."""
    while True:
        answer = client.get(address)
        assert answer.status_code == 200, answer.content
        told = answer.json()
        yield told["items"] if isinstance(told, dict) else told
        if "Link" not in answer.headers:
            return
        found = NEXT.fullmatch(answer.headers["Link"])
        assert found
        address = found[1]
        between()


def ids(found: Iterator[list[dict[str, Any]]]) -> list[list[int]]:
    return [[item["id"] for item in page] for page in found]


def jobs(source: Source, count: int, later: int = 0) -> list[int]:
    """Two of each moment: their number tells them apart."""
    made = [
        Job.objects.create(
            job_type="nbp.A",
            source=source,
            status="success",
            started_at=clock.now() + timedelta(minutes=later + place // 2),
        )
        for place in range(count)
    ]
    return [job.pk for job in reversed(made)]


def test_every_page_leads_to_the_next_and_the_last_to_none(client: Client, nbp: Source) -> None:
    wanted = jobs(nbp, 5)
    assert ids(pages(client, "/jobs?limit=2")) == [wanted[:2], wanted[2:4], wanted[4:]]
    assert ids(pages(client, "/jobs?limit=5")) == [wanted]
    assert ids(pages(client, "/jobs?limit=100")) == [wanted]
    jobs(nbp, 1, later=60)
    assert len(list(pages(client, "/jobs?limit=3"))) == 2, "no empty page behind the last one"


def test_what_arrives_meanwhile_moves_no_page(client: Client, nbp: Source) -> None:
    wanted = jobs(nbp, 5)
    told = ids(pages(client, "/jobs?limit=2", lambda: jobs(nbp, 1, later=60)))
    assert [one for page in told for one in page] == wanted


def test_rows_that_are_deleted_while_their_page_is_read_are_no_fault(
    client: Client, nbp: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs(nbp, 4)
    count = QuerySet.count

    def and_pruned(rows: Any) -> int:
        found = count(rows)
        Job.objects.all().delete()
        return found

    monkeypatch.setattr(QuerySet, "count", and_pruned)
    answer = client.get("/jobs?limit=2")
    assert (answer.status_code, len(answer.json()["items"])) == (200, 2)
    assert "Link" not in answer.headers


def test_decisions_alerts_and_corrections_are_paged_by_rows(client: Client, nbp: Source) -> None:
    decision()
    first = Signal.objects.get()
    for back in range(1, 5):
        Signal.objects.create(
            instrument=first.instrument, rule=first.rule, timeframe=first.timeframe, signal=first.signal,
            as_of=first.as_of - timedelta(days=back), version=first.version, generated_at=first.generated_at,
            horizon_days=first.horizon_days, values=first.values,
        )  # fmt: skip
    told = list(pages(client, f"/signals?code={first.instrument.code}&limit=2"))
    assert [len(page) for page in told] == [2, 2, 1]
    days = [item["as_of"] for page in told for item in page]
    assert days == sorted(days, reverse=True)
    assert len(set(days)) == 5


def test_alerts_are_a_bare_array_with_a_link(client: Client, nbp: Source) -> None:
    source("coingecko", ["BTC"], enabled=True)
    rule = alert_rule()
    for number in range(5):
        alert_event(rule, minutes_ago=number, key=str(number))
    found = list(pages(client, "/alerts?limit=2", lambda: alert_event(rule, key=str(AlertEvent.objects.count()))))
    assert [len(page) for page in found] == [2, 2, 1]
    assert len({item["id"] for page in found for item in page}) == 5


def test_corrections_and_manual_figures_are_one_list_of_pages(client: Client, nbp: Source, job: Job) -> None:
    create.find_or_create({"USD"}, "currency")
    for number in range(5):
        Override.objects.create(
            instrument=instrument("USD"), table="A", effective_date=clock.today() - timedelta(days=number), mid=4,
            scale=4, author="operator", reason="Misprint", created_at=clock.now() - timedelta(minutes=number // 2),
        )  # fmt: skip
    assert Revision.objects.count() == 0
    wanted = [row.pk for row in Override.objects.order_by("-created_at", "-pk")]
    assert ids(pages(client, "/revisions?limit=2")) == [wanted[:2], wanted[2:4], wanted[4:]]
    assert ids(pages(client, "/overrides?limit=2")) == [wanted[:2], wanted[2:4], wanted[4:]]


def test_a_list_without_a_beginning_that_grows_is_paged_by_number(client: Client, nbp: Source) -> None:
    create.find_or_create({"EUR", "GBP", "USD"}, "currency")
    answer = client.get("/currencies?limit=2")
    assert answer.headers["Link"] == '</api/v1/currencies?limit=2&offset=2>; rel="next"'
    assert "Link" not in client.get("/currencies?limit=2&offset=2").headers


def test_a_kept_answer_has_the_link_too(client: Client, nbp: Source) -> None:
    create.find_or_create({"EUR", "GBP", "USD"}, "currency")
    first, again = client.get("/currencies?limit=2"), client.get("/currencies?limit=2")
    assert first.headers["Link"] == again.headers["Link"]
    packed = client.get("/currencies?limit=2", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Link"] == first.headers["Link"]


def test_the_next_page_asks_for_what_the_first_one_asked_for(client: Client, nbp: Source) -> None:
    jobs(nbp, 3)
    answer = client.get("/jobs?type=nbp.A&status=success&source=nbp&limit=2")
    assert answer.headers["Link"].startswith("</api/v1/jobs?type=nbp.A&status=success&source=nbp&limit=2&cursor=")


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode()


NO_CURSORS = [
    "x", "żółw", "?", "AAAA", encoded("[]"), encoded('["2026-10-26"]'), encoded('["2026-10-26T12:00:00", "1"]'),
    encoded('["2026-10-26T12:00:00+00:00", "-1"]'),
    encoded('["2026-10-26T12:00:00+00:00", "9223372036854775808"]'), encoded('["yesterday", "1"]'), encoded('{"a": 1}'),
    encoded('["2026-10-26T12:00:00+00:00", 1]'), encoded("null"), "\uff11", encoded('["\\u0000", "1"]'),
    encoded('["0001-01-01T00:00:00+14:00", "1"]'), encoded('["9999-12-31T23:59:59-14:00", "1"]'),
    encoded('["0001-01-01T00:00:00+14:00", "1", "1"]'), encoded('["9999-12-31T23:59:59-14:00", "1", "1"]'),
]  # fmt: skip


@pytest.mark.slow
@walk("cursor", NO_CURSORS)
@walk("path", ["/jobs", "/signals", "/alerts", "/alerts/rules", "/revisions", "/overrides"])
def test_what_is_no_cursor_of_the_list_is_400(client: Client, nbp: Source, path: str, cursor: str) -> None:
    assert error(client.get(path, {"cursor": cursor}), 400)["detail"] == {"field": "cursor"}


def test_an_empty_or_endless_cursor_is_422_and_one_beside_an_offset_400(client: Client, nbp: Source) -> None:
    assert client.get("/jobs", {"cursor": ""}).status_code == 422
    assert client.get("/jobs", {"cursor": "A" * 201}).status_code == 422
    behind = encoded('["2026-10-26T12:00:00+00:00", "1"]')
    told = client.get("/jobs", {"cursor": behind, "offset": "1"})
    assert error(told, 400)["detail"] == {"field": "cursor"}


def test_every_list_that_comes_newest_first_takes_a_cursor() -> None:
    """The log in Redis has no pages."""
    paged = [one for one in gets(lists=True) if "offset" in one.parameters]
    newest_first = {one.path for one in paged if re.search(r"newest( bar)? first", one.described["description"])}
    assert newest_first == {one.path for one in paged if "cursor" in one.parameters}
