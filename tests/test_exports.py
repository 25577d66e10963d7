"""Every list as a file: formats, dialects, what a client may ask, and what a spreadsheet must not run."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from django.test import Client

from markets.api import exports
from markets.exports import FORMATS
from markets.models import Job, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from tests.cases import walk
from tests.operations import Operation, gets
from tests.test_api_errors import error
from tests.test_api_laws import TOKEN, ask, filled  # noqa: F401  the fixture fills an installation for every GET

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]

LAST_DAY = date(2026, 10, 26)
USD = "/rates?code=USD"
# A summary, which `limit` is for the jobs of.
NO_LIST = {"/stats/miner"}


def body(answer: Any) -> bytes:
    return bytes(b"".join(answer.streaming_content) if answer.streaming else answer.content)


def lines(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200, answer.content
    return list(csv.reader(io.StringIO(body(answer).decode())))


def lists() -> list[Operation]:
    return [one for one in gets(lists=True) if one.path not in NO_LIST]


def items(sent: Any) -> list[dict[str, Any]]:
    return list(sent["items"] if isinstance(sent, dict) else sent)


@pytest.fixture
def long(nbp: Source, job: Job) -> int:
    """2,500 days of the euro."""
    days = [LAST_DAY - timedelta(days=back) for back in range(2500)]
    publish([Table("A", day, [RateRecord("EUR", mid=Decimal("4.2410"))]) for day in days], nbp, job)
    return len(days)


LONG = f"/rates?code=EUR&from={LAST_DAY - timedelta(days=3000)}"


# Every list, by the code


def test_every_list_takes_every_format() -> None:
    """A list of an operation to come as well: it asks for `Paging`, or for `Export` where it has no pages."""
    known = ["json", *FORMATS]
    missing = [one.path for one in lists() if one.parameters.get("format", {}).get("schema", {}).get("enum") != known]
    assert not missing


@pytest.mark.slow
@pytest.mark.parametrize("name", ["csv", "ndjson"])
def test_every_list_is_a_file_with_the_rows_and_the_columns_of_its_json(client: Client, name: str) -> None:
    for one in lists():
        limit: Any = {"limit": 1000} if "limit" in one.parameters else {}
        rows, answer = items(ask(client, one, **limit).json()), ask(client, one, format=name)
        assert answer.status_code == 200, (one.path, answer.content)
        assert answer.headers["Content-Type"] == FORMATS[name].media_type
        if name == "ndjson":
            assert [json.loads(line) for line in body(answer).splitlines()] == rows, one.path
            continue
        head, *found = lines(answer)
        assert len(found) == len(rows), one.path
        assert all(set(row) <= set(head) for row in rows), one.path
        for row, cells in zip(rows, found, strict=True):
            shown = dict(zip(head, cells, strict=True))
            assert {key: cell_of(row.get(key)) for key in head} == shown, one.path


def cell_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def test_a_list_without_rows_has_its_columns(client: Client) -> None:
    head = lines(client.get("/rates?code=USD&from=2001-01-01&to=2001-01-02&format=csv"))
    assert head == [
        ["code", "base", "quote", "effective_date", "mid", "bid", "ask", "unit", "source", "table", "table_no"]
    ]
    assert body(client.get("/rates?code=USD&from=2001-01-01&to=2001-01-02&format=ndjson")) == b""


# What is asked


@walk(
    ("query", "words"),
    [
        ("format=xls", "'json', 'csv', 'ndjson', 'excel-pl'"),
        ("format=CSV", "must be one of"),
        ("format=", "must be one of"),
        ("format=csv%00", "NUL"),
        ("format=csv&format=csv", "once"),
        ("format=" + "csv" * 2000, "must be one of"),
        ("format=csv&sep=", "must be one of"),
        ("format=csv&sep=%09", "must be one of"),
        ("format=csv&dec=x", "must be one of"),
        ("format=csv&dec=٫", "must be one of"),
        ("format=csv&bom=yes", "must be one of"),
        ("format=csv&bom=１", "must be one of"),
        ("format=csv&limit=１０", "whole number"),
        ("format=csv&limit=10001", "at most 10000"),
        ("formt=csv", "did you mean format"),
    ],
)
def test_what_no_format_means_is_422_and_names_what_there_is(client: Client, query: str, words: str) -> None:
    assert words in str(error(client.get(f"{USD}&{query}"), 422)["detail"])


@walk("query", ["format=csv&sep=,&dec=,", "format=csv&dec=,", "format=excel-pl&sep=,"])
def test_one_sign_for_two_things_is_400(client: Client, query: str) -> None:
    found = error(client.get(f"{USD}&{query}"), 400)
    assert found["detail"] == {"sep": ",", "dec": ","}


@walk("name", ["json", "ndjson", "xlsx", "beancount"])
@walk("asked", ["sep=;", "dec=,", "bom=1"])
def test_a_dialect_of_what_has_none_is_400(client: Client, name: str, asked: str) -> None:
    assert error(client.get(f"{USD}&format={name}&{asked}"), 400)["detail"]["formats"] == [
        "csv",
        "excel-pl",
        "sheets-pl",
    ]


@walk("query", ["code=USB", "code=XAU", "code=USD&source=nobody"])
def test_what_has_no_answer_is_404_as_json_in_every_format(client: Client, query: str) -> None:
    assert error(client.get(f"/rates?{query}&format=xlsx"), 404)["code"] == "unknown_code"


def test_what_the_licence_keeps_is_in_no_file(client: Client, nbp: Source) -> None:
    Source.objects.update(public_api=False)
    assert len(lines(client.get(f"{USD}&format=csv"))) == 1
    assert error(client.get(f"{USD}&source=nbp&format=csv"), 403)["code"] == "not_public"
    assert len(lines(client.get(f"{USD}&format=csv", headers=TOKEN))) == 5


@pytest.mark.slow
@walk(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/x-ndjson", "application/x-ndjson; charset=utf-8"),
        ("text/csv, application/json;q=0.5", "text/csv; charset=utf-8"),
        ("text/csv;q=0.5, application/json", "application/json; charset=utf-8"),
        ("text/csv, */*", "text/csv; charset=utf-8"),
        ("text/html, */*;q=0.8", "application/json; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"),
    ],
)
def test_accept_chooses_where_no_format_does(client: Client, accept: str, kind: str) -> None:
    for _ in range(2):  # the second answer of the short way
        assert client.get(USD, headers={"Accept": accept}).headers["Content-Type"] == kind
        assert client.get(USD).headers["Content-Type"] == "application/json; charset=utf-8"
    assert "Accept" in client.get(USD).headers["Vary"].split(", ")
    named = client.get(f"{USD}&format=ndjson", headers={"Accept": accept})
    assert named.headers["Content-Type"].startswith("application/x-ndjson")


@walk(
    ("address", "name"),
    [
        ("/rates?code=USD&from=2024-01-01&to=2024-12-31&format=csv", "rates-USD-2024-01-01-2024-12-31.csv"),
        ("/api/v1/rates/?code=usd/pln&format=excel-pl", "rates-usd-pln.csv"),
        ("/gold?format=xlsx", "gold.xlsx"),
        ("/prices/latest?asset=BTC&format=ndjson", "prices-latest-BTC.ndjson"),
        ("/signals/current?format=sheets-pl", "signals-current.tsv"),
    ],
)
def test_a_file_is_named_after_what_it_is_of(client: Client, address: str, name: str) -> None:
    assert client.get(address).headers["Content-Disposition"] == f'attachment; filename="{name}"'


# Dialects


def test_csv_is_locale_free_and_has_every_digit(client: Client) -> None:
    text = body(client.get(f"{USD}&format=csv&limit=1")).decode()
    head, row, end = text.split("\n")
    assert (head[:34], end) == ("code,base,quote,effective_date,mid", "")
    assert row.startswith("USD,USD,PLN,2026-10-23,")
    assert row.endswith(",,,1,nbp,A,")


def test_a_polish_excel_gets_semicolons_commas_a_mark_and_its_line_ends(client: Client) -> None:
    data = body(client.get(f"{USD}&format=excel-pl&limit=1"))
    assert data.startswith(b"\xef\xbb\xbfcode;base;quote;")
    assert data.endswith(b"\r\n")
    plain = body(client.get(f"{USD}&format=csv&limit=1&sep=;&dec=,")).decode()
    assert data.decode("utf-8-sig").replace("\r\n", "\n") == plain
    assert body(client.get(f"{USD}&format=excel-pl&limit=1&bom=0")).startswith(b"code;")
    assert body(client.get(f"{USD}&format=csv&bom=1")).startswith(b"\xef\xbb\xbfcode,")


@walk(("sep", "sign"), [(",", ","), (";", ";"), ("tab", "\t"), ("|", "|")])
def test_pandas_reads_what_pandas_wrote(client: Client, sep: str, sign: str) -> None:
    dec = "." if sep == "," else ","
    data = body(client.get("/rates", {"code": "USD", "format": "csv", "sep": sep, "dec": dec}))
    frame = pd.read_csv(io.BytesIO(data), sep=sign, decimal=dec)
    sent = client.get(USD).json()["items"]
    assert frame["mid"].tolist() == [float(row["mid"]) for row in sent]
    assert frame["effective_date"].tolist() == [row["effective_date"] for row in sent]


# Short and long


@pytest.mark.slow
def test_a_short_list_is_an_answer_with_a_tag_and_a_long_one_a_stream_without(client: Client, long: int) -> None:
    short = client.get(f"{USD}&format=csv")
    assert not short.streaming
    assert short.headers["Cache-Control"] == client.get(USD).headers["Cache-Control"]
    again = client.get(f"{USD}&format=csv", headers={"If-None-Match": short.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    answer = client.get(f"{LONG}&format=csv")
    assert answer.streaming
    assert (answer.headers["Cache-Control"], answer.get("ETag")) == ("no-store", None)
    assert client.get(f"{LONG}&format=csv", headers=TOKEN).headers["Cache-Control"] == "private, no-store"


@pytest.mark.slow
@walk("name", ["csv", "ndjson", "excel-pl", "sheets-pl", "beancount", "ledger", "gnucash"])
def test_a_file_has_every_row_in_order_beyond_any_page(client: Client, long: int, name: str) -> None:
    text = body(client.get(f"{LONG}&format={name}")).decode("utf-8-sig")
    days = [(LAST_DAY - timedelta(days=back)).isoformat() for back in reversed(range(long))]
    found = [line for line in text.splitlines() if "2410" in line or "2,410" in line]
    assert [next(day for day in days[place:] if day in line) for place, line in enumerate(found)] == days
    assert len(found) == long


@pytest.mark.slow
@walk(("query", "count"), [("limit=30", 30), ("limit=10000", 2500), ("limit=10&offset=2495", 5), ("offset=2400", 100)])
def test_a_limit_and_an_offset_hold_for_a_file_too(client: Client, long: int, query: str, count: int) -> None:
    assert len(lines(client.get(f"{LONG}&format=csv&{query}"))) == count + 1


@pytest.mark.slow
def test_a_long_file_takes_two_statements_a_thousand_rows_at_most(
    client: Client, long: int, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(16):
        answer = client.get(f"{LONG}&format=csv")
    with django_assert_max_num_queries(5):  # the keys, a query for each thousand of them, and SQLite is told not to map
        assert len(lines(answer)) == long + 1


def test_a_client_that_goes_away_ends_what_is_read_for_it(
    client: Client, long: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, told = exports.streamed, list[str]()

    def noted(*args: Any) -> Iterator[Any]:
        rows = read(*args)
        try:
            for row in rows:
                told.append(row["effective_date"].isoformat())
                yield row
        finally:
            rows.close()  # type: ignore[attr-defined]
            told.append("closed")

    monkeypatch.setattr(exports, "streamed", noted)
    answer: Any = client.get(f"{LONG}&format=csv")
    pieces = iter(answer.streaming_content)
    assert [len(next(pieces).splitlines()), len(next(pieces).splitlines())] == [1, exports.CHUNK]
    answer.close()
    del pieces
    assert told[-1] == "closed"
    assert exports.CHUNK < len(told) <= 2 * exports.CHUNK < long


def test_a_file_is_not_kept_by_the_server(client: Client, at: Callable[[str], None], nbp: Source, job: Job) -> None:
    before = lines(client.get(f"{USD}&format=csv"))
    publish([Table("A", date(2026, 10, 1), [RateRecord("USD", mid=Decimal("3.5"))])], nbp, job)
    assert len(lines(client.get(f"{USD}&format=csv"))) == len(before) + 1


def test_head_has_the_headers_of_a_file(client: Client) -> None:
    full, head = client.get(f"{USD}&format=csv"), client.head(f"{USD}&format=csv")
    assert head.content == b""
    for name in ("Content-Type", "Content-Disposition", "ETag", "Cache-Control"):
        assert full.headers[name] == head.headers[name]


def test_a_file_without_a_limit_counts_as_a_heavy_question(client: Client, settings: Any) -> None:
    settings.LIMIT_HEAVY, settings.LIMIT_READS = 1, 100
    assert client.get(f"{USD}&format=csv&limit=5").headers["RateLimit-Policy"].startswith('"reads"')
    assert client.get(f"{USD}&format=csv").headers["RateLimit-Policy"].startswith('"heavy"')
    assert error(client.get(f"{USD}&format=csv"), 429)["code"] == "too_many_requests"


# Formats that not every installation or list has


@pytest.mark.parametrize("name", ["parquet", "arrow"])
def test_a_format_whose_package_is_missing_says_how_to_get_it(
    client: Client, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("markets.exports.columnar.find_spec", lambda _name: None)
    found = error(client.get(f"{USD}&format={name}"), 422)
    assert found["code"] == "format_not_installed"
    assert found["detail"] == {"install": "make exports", "or": "pip install -r requirements-exports.txt"}


@walk("name", ["beancount", "ledger", "gnucash"])
def test_prices_for_accounts_are_of_lists_that_have_prices(client: Client, name: str) -> None:
    found = error(client.get(f"/signals?format={name}"), 400)
    assert found["detail"] == {"see": ["/api/v1/rates", "/api/v1/gold"]}
    assert client.get(f"/gold?format={name}").status_code == 200
