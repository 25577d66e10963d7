"""Closed years at their addresses: the bytes of the files, what may keep them, and where to look instead."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import brotli
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from markets.models import Source
from tests.rate_days import refusal, save, table
from tests.test_history_files import file, kept_folder, lines, two_closed_years  # noqa: F401  the fixtures


def test_the_api_answers_the_bytes_of_the_file_also_where_there_is_none(
    client: Client, kept: Path, settings: Settings
) -> None:
    for name in ("EUR/2024.json", "XAU/2025.csv"):
        answer = client.get(f"/api/v1/history/{name}", headers={"Accept-Encoding": "identity"})
        assert answer.content == file(kept, name).read_bytes()
        settings.HISTORY_DIR = ""
        again = client.get(f"/api/v1/history/{name}")
        assert (again.content, again["ETag"], again["Content-Type"]) == (
            answer.content, answer["ETag"], answer["Content-Type"]
        )  # fmt: skip
        settings.HISTORY_DIR = str(kept)
        packed = client.get(f"/api/v1/history/{name}", headers={"Accept-Encoding": "gzip, br"})
        assert (packed["Content-Encoding"], brotli.decompress(packed.content)) == ("br", answer.content)
        assert "Accept-Encoding" in packed["Vary"]
        assert (
            client.get(f"/api/v1/history/{name}", headers={"Accept-Encoding": "br;q=0, gzip"})["Content-Encoding"]
            == "gzip"
        )
        unchanged = client.get(f"/history/{name}", headers={"If-None-Match": answer["ETag"]})
        assert (unchanged.status_code, answer["Cache-Control"]) == (304, "no-cache")


def test_only_an_address_with_a_hash_is_kept_for_ever(client: Client, kept: Path, settings: Settings) -> None:
    address = lines(kept)["EUR", 2024]["json"]
    for root in (str(kept), ""):
        settings.HISTORY_DIR = root
        assert client.get(address)["Cache-Control"] == "public, max-age=31536000, immutable"
    status, code, detail = refusal(client, "/api/v1/history/EUR/2024.0123456789ab.json")
    assert (status, code, detail) == (404, "no_file", {"see": ["/api/v1/history/EUR/2024.json"]})


def test_the_index_from_the_tables_has_the_same_years(client: Client, kept: Path, settings: Settings) -> None:
    told = client.get("/history/index.json").json()
    assert told == json.loads(file(kept, "index.json").read_bytes())
    settings.HISTORY_DIR = ""
    without = client.get("/history/index.json").json()
    assert without["columns"] == told["columns"]
    assert without["sources"] == told["sources"]
    assert [row[:4] for row in without["rows"]] == [row[:4] for row in told["rows"]]
    assert {row[5] for row in without["rows"]} == {None}


def test_days_are_counted_anew_only_where_a_figure_or_the_newest_year_changed(
    client: Client, history: None, nbp: Source, at: Callable[[str], None]
) -> None:
    def rows() -> int:
        return sum(row[2] for row in client.get("/api/v1/history/index.json").json()["rows"])

    before = rows()
    with CaptureQueriesContext(connection) as queries:
        assert rows() == before
    assert not [query for query in queries if "COUNT(DISTINCT" in query["sql"]]
    save(nbp, table("A", date(2025, 3, 3), USD="3.90"))
    assert rows() == before + 1
    at("2027-01-30 12:00")
    assert rows() > before + 1
    nbp.public_api = False
    nbp.save()
    assert rows() == 0


def test_a_year_that_is_not_closed_says_where_its_figures_are(client: Client, history: None) -> None:
    status, code, detail = refusal(client, "/api/v1/history/EUR/2026.json")
    assert (status, code) == (404, "no_file")
    assert detail["see"][0] == "/api/v1/rates?code=EUR&from=2026-01-01&to=2026-12-31"
    assert refusal(client, "/api/v1/history/XAU/2026.csv")[2]["see"][0] == "/api/v1/gold?from=2026-01-01&to=2026-12-31"
    assert refusal(client, "/api/v1/history/AFN/2025.json")[0] == 404
    assert refusal(client, "/api/v1/history/QQQ/2024.json")[:2] == (404, "unknown_code")
    assert refusal(client, "/api/v1/history/EUR/24.json")[:2] == (404, "not_found")
    assert refusal(client, "/api/v1/history/history.parquet")[0] == 404
