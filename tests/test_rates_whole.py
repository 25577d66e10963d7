"""All rows of a question about several rates: page by page along `Link`, and in one file without a limit."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client

from markets.models import Source
from tests.cases import walk
from tests.rate_days import ask, gold, save, table, weekdays

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]
START, END = date(2026, 10, 5), date(2026, 10, 23)


@pytest.fixture(autouse=True)
def tables(at: Callable[[str], None], nbp: Source) -> None:
    at("2026-10-24 11:00")
    days = weekdays(START, END)
    save(nbp, *(table("A", day, USD="3.9000", EUR="4.3000") for day in days), *(gold(day, "590.10") for day in days))


def pages(client: Client, address: str) -> list[dict[str, Any]]:
    """The items of the page and of all that follow it."""
    found: list[dict[str, Any]] = []
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.content
        found += answer.json()["items"]
        address = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    return found


@pytest.mark.slow
@walk(
    ("path", "asked"),
    [
        ("/rates", {"code": "USD,EUR", "from_": START, "to": END}),
        ("/rates", {"code": "USD", "quotes": "EUR", "fill": "previous", "from_": START, "to": END}),
        ("/rates", {"code": "USD,EUR", "group": "week", "from_": START, "to": END}),
        ("/gold", {"unit": "oz", "from_": START, "to": END}),
        ("/latest", {"base": "PLN"}),
    ],
)
def test_links_lead_through_all_pages(client: Client, path: str, asked: Any) -> None:
    whole = ask(client, path, limit=100, **asked)
    assert whole["count"] == len(whole["items"]) > 1
    query = "&".join(f"{name.rstrip('_')}={value}" for name, value in asked.items())
    for _kept_by_now in range(2):
        assert pages(client, f"{path}?{query}&limit=1") == whole["items"]
    assert "Link" not in client.get(f"{path}?{query}&limit={whole['count']}").headers


@pytest.mark.slow
@walk(
    ("path", "count"),
    [
        ("/rates?code=USD,EUR&fill=previous&from=2007-01-01&to=2026-10-24", 2 * 7237),
        ("/rates?code=USD&quotes=PLN&expand=source&fill=none&from=1997-01-01&to=2026-10-24", 10889),
        ("/gold?unit=kg&fill=none&from=1997-01-01&to=2026-10-24", 10889),
    ],
)
def test_a_file_has_more_rows_than_any_page(client: Client, path: str, count: int) -> None:
    answer = client.get(f"{path}&format=csv")
    lines = b"".join(answer).decode().splitlines()
    assert len(lines) == 1 + count
    assert lines[-1].count("2026-10-2") >= 1
    short = client.get(f"{path}&format=csv&limit=5").content.decode().splitlines()
    assert short == lines[:6]


@pytest.mark.slow
def test_a_whole_file_begins_behind_its_offset(client: Client) -> None:
    path = "/rates?code=USD&fill=none&from=2022-01-01&to=2026-10-24&format=csv"
    whole, rest = (b"".join(client.get(address)).splitlines() for address in (path, f"{path}&offset=30"))
    assert rest == [whole[0], *whole[31:]]
