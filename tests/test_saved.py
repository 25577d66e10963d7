"""The bytes of every GET and both databases' schemas are those that were saved: a change that is not meant is seen."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver, resolve
from django.utils import timezone, translation

from charon import languages
from charon.api.addresses import canonical
from charon.api.app import api
from markets import clock
from markets.clock import WARSAW
from signals import hashes, rules
from tests.saved import answers, schemas
from tests.saved.comparing import REWRITE, compare
from tests.saved.gets import TOKEN, Get, gets
from tests.saved.seed import STAGES

# As it is when the tests are collected: a test that undoes its own patch of it may leave a part behind.
REGISTRY = rules.RULES


@pytest.fixture(autouse=True)
def macd_alone() -> Iterator[None]:
    """Every rule of the registry is seen here: `make saved` after one is added."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "RULES", REGISTRY)
        yield


@pytest.fixture
def travel(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the one clock that everything asks in the end, the queue and the admin too: `travel("2026-10-28 12:00")`."""

    def to(text: str) -> None:
        moment = datetime.fromisoformat(text).replace(tzinfo=WARSAW).astimezone(UTC)
        for reads in (timezone, clock):
            monkeypatch.setattr(reads, "now", lambda: moment)

    return to


@pytest.fixture
def installation(settings: Any, without_redis: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One and the same wherever the tests run: no Redis, one queue as on SQLite, no beat of another test's queue, and
    rows that say nothing of the sources of the formulas.
    """
    monkeypatch.setattr(hashes, "program", lambda: "0.1.0+0123456789abcdef")
    settings.API_TOKEN = TOKEN
    settings.POLYGON_API_KEY = "only-for-tests"
    settings.BINANCE_SYMBOLS = ["BTCUSDT", "ETHUSDT"]
    settings.MINER_QUEUE = settings.BRAIN_QUEUE = "charon"
    settings.DATA_DIR = tmp_path
    settings.ENABLE_METRICS_ENDPOINT = False


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.usefixtures("installation")
def test_every_get_answers_with_its_saved_bytes(travel: Callable[[str], None]) -> None:
    texts: dict[str, str] = {}
    wanted, askers = list(answers.addresses()), answers.Askers()
    for stage, build in STAGES.items():
        build(travel)
        texts |= {get.file: answers.answer(get, askers) for get in wanted if get.stage == stage}
    assert len(texts) == len(wanted), "two addresses have one file"
    assert not (found := compare(answers.FOLDER, texts)), found


@pytest.mark.django_db
def test_the_schema_is_the_saved_one() -> None:
    name = schemas.file().name
    others = {path.name: path.read_text() for path in schemas.FOLDER.glob("*.txt") if path.name != name}
    assert not (found := compare(schemas.FOLDER, others | {name: schemas.schema()})), found


def routes(patterns: list[Any], before: str = "") -> Iterator[tuple[str, str]]:
    """(route, name) of every address but the admin's, whose lists are asked for as they are registered."""
    for entry in patterns:
        route = f"{before}{entry.pattern}"
        if isinstance(entry, URLPattern):
            yield route, entry.name or ""
        elif route != "admin/":
            yield from routes(entry.url_patterns, route)


def asked() -> list[tuple[Get, str]]:
    """Each GET with the route that answers it."""
    found = []
    for get in gets():
        path, _, _query = get.address.partition("?")
        if not path.endswith("/nothing"):
            with translation.override(languages.language_of(path)):
                found.append((get, resolve(canonical(path)).route.removeprefix("en/")))
    return found


def test_every_address_is_asked_for() -> None:
    assert {route for route, _ in routes(get_resolver().url_patterns)} - {route for _, route in asked()} == set()


# What every list takes and one mechanism reads (`markets.api.exports`) is asked for at /rates.
OF_EVERY_LIST = {"format", "sep", "dec", "bom"}


def test_every_parameter_of_every_get_is_asked_for() -> None:
    told: dict[str, set[str]] = {}
    for get, route in asked():
        query = get.address.partition("?")[2]
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{route}")
        told.setdefault(path, set()).update(part.partition("=")[0] for part in query.split("&"))
    paths = api.get_openapi_schema()["paths"]
    missing = {
        (path, parameter["name"])
        for path, operations in paths.items()
        for parameter in operations.get("get", {}).get("parameters", [])
        if parameter["in"] == "query" and parameter["name"] not in told[path]
    }
    assert {one for one in missing if one[1] not in OF_EVERY_LIST or one[0] == "/api/v1/rates"} == set()


def test_a_changed_byte_is_named_with_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REWRITE, raising=False)
    (tmp_path / "one.txt").write_text("GET /\n200\n<p>4,05</p>\n")
    (tmp_path / "gone.txt").write_text("GET /gone\n")
    same = {"one.txt": "GET /\n200\n<p>4,05</p>\n", "gone.txt": "GET /gone\n"}
    assert compare(tmp_path, same) == ""
    found = compare(tmp_path, {"one.txt": "GET /\n200\n<p>4,06</p>\n", "new.txt": "GET /new\n"})
    assert found.startswith("3 differ from what is saved.")
    assert "gone.txt is saved, and nothing gives it any more" in found
    assert "--- saved one.txt\n+++ now one.txt\n" in found
    assert "-<p>4,05</p>\n+<p>4,06</p>" in found
    assert "+GET /new" in found


def test_the_breaks_in_a_body_can_be_taken_out_again(db: None, client: Client) -> None:
    text = client.get("/api/v1/openapi.json").content.decode()
    assert "\n" not in text
    assert answers.BREAKS.sub("\n\\1", text).replace("\n", "") == text
