"""`/llms.txt`: every address that it names is there and answers."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from charon.api.app import api
from charon.feeds.addresses import ADDRESSES
from charon.feeds.llms import PARQUET, operations
from markets.models import Job, Source
from markets.store.publish import publish
from tests.alert_rows import alert_event, alert_rule
from tests.market import decision, source
from tests.test_api_rates import mids

pytestmark = pytest.mark.django_db
HOST = "https://rates.example.org"


@pytest.fixture(autouse=True)
def installed(at: Callable[[str], None], nbp: Source, job: Job, settings: Any) -> None:
    at("2026-10-26 12:00")
    settings.PUBLIC_URL = HOST
    publish([mids(date(2026, 10, day), USD="3.9350") for day in (20, 21, 22, 23)], nbp, job)
    source("coingecko", ["BTC"])
    source("binance", ["BTCUSDT"])
    decision()
    alert_event(alert_rule(id=7), id=12)


def text(client: Client) -> str:
    response = client.get("/llms.txt")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert response.headers["Content-Language"] == "en"
    return response.content.decode()


def links(client: Client) -> list[str]:
    found = re.findall(r"^- \[([^\]]+)\]\(([^)]+)\): \S", text(client), re.MULTILINE)
    assert [HOST + path for path, _url in found] == [url for _path, url in found]
    return [path for path, _url in found]


@pytest.mark.slow
def test_every_address_of_it_answers(client: Client) -> None:
    found = links(client)
    assert len(found) == len(set(found)) > 25
    answers = {path: client.get(path).status_code for path in found}
    assert {path: status for path, status in answers.items() if status != 200} == {}


def test_every_feed_and_every_public_list_is_in_it(client: Client) -> None:
    found = {path.partition("?")[0] for path in links(client)}
    assert {"/" + one.route.replace("<str:code>", "USD") for one in ADDRESSES} <= found
    public = {
        path
        for path, methods in api.get_openapi_schema()["paths"].items()
        if "get" in methods and not methods["get"].get("security") and "{" not in path
    }
    assert public - found == {PARQUET}  # no folder is kept, so there is none
    assert {"/api/v1/rates", "/api/v1/gold", "/api/v1/signals", "/api/v1/openapi.json", "/"} <= found


def test_the_parquet_of_all_years_is_named_once_it_is_there(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.HISTORY_DIR = tmp_path
    assert PARQUET not in links(client)
    file = tmp_path / PARQUET.removeprefix("/")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"PAR1")
    assert PARQUET in links(client)
    assert client.get(PARQUET).status_code == 200


def test_it_has_the_form_of_llmstxt(client: Client) -> None:
    lines = text(client).splitlines()
    assert lines[0] == "# Charon"
    assert lines[2].startswith("> ")
    assert [line for line in lines if line.startswith("## ")] == ["## API", "## Feeds, calendars, pictures", "## Pages"]


def test_it_says_what_it_is_not_and_how_days_and_numbers_are_meant(client: Client) -> None:
    said = " ".join(text(client).split())
    assert "Charon gives no tax, legal or investment advice." in said
    assert "Figures are JSON strings with all published digits" in said
    assert "never the day that was asked for" in said


def test_the_limits_are_those_that_are_set(client: Client, settings: Any) -> None:
    settings.LIMIT_READS = 77
    assert "At most 77 questions a minute" in text(client)
    settings.LIMIT_READS = 0
    assert "questions a minute" not in text(client)


def test_nothing_that_needs_a_token_is_offered() -> None:
    paths = [path.partition("?")[0] for path, _about in operations()]
    assert "/api/v1/redis/log" not in paths
    assert not [path for path in paths if "{" in path]
