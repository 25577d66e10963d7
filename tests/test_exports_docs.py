"""Every line of docs/exports.md, as its program reads it: curl, pandas, fetch, IMPORTDATA and Power Query."""

import csv
import io
import json
import re
import shlex
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from markets.exports import FORMATS
from tests.cases import walk
from tests.test_api_laws import filled  # noqa: F401  the fixture fills an installation for every GET
from tests.test_docs import blocks, names, read, table
from tests.test_exports import body

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]

PAGE = "docs/exports.md"
BASE = "http://127.0.0.1:8000"
ORIGIN = "https://rates.example.org"


def address_of(url: str) -> str:
    assert url.startswith(f"{BASE}/"), url
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def curl_lines() -> list[list[str]]:
    return [shlex.split(line.partition(" >> ")[0]) for line in blocks(PAGE, "sh")[0].splitlines()]


def formulas() -> list[str]:
    return [line for line in read(PAGE).splitlines() if line.startswith("=IMPORTDATA")]


def test_the_page_lists_every_format() -> None:
    assert {name for cell in names(table(read(PAGE))) for name in cell.split("`, `")} == {"json", *FORMATS}


@walk("words", curl_lines(), ids=lambda words: words[-1])
def test_a_line_for_curl_gets_a_file(client: Client, words: list[str]) -> None:
    headers = dict(words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H")
    answer = client.get(address_of(words[-1]), headers=headers)
    assert answer.status_code == 200, answer.content
    assert not answer.headers["Content-Type"].startswith("application/json")
    assert "-OJ" not in words or answer.headers["Content-Disposition"].endswith('"rates-USD-2024-01-01-2024-12-31.csv"')
    if "/csv/rate" in words[-1]:
        assert re.fullmatch(r"[0-9]+\.[0-9]{4}", body(answer).decode())


def test_pandas_reads_what_the_page_says(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    class Opened(io.BytesIO):
        headers: dict[str, str] = {}

    def urlopen(request: Any, *args: Any, **kwargs: Any) -> Opened:
        return Opened(body(client.get(address_of(request if isinstance(request, str) else request.full_url))))

    monkeypatch.setattr("pandas.io.common.urlopen", urlopen)
    found: dict[str, Any] = {}
    exec(compile(blocks(PAGE, "python")[0], PAGE, "exec"), found)
    sent = client.get("/rates?code=USD&from=2024-01-01").json()["items"]
    assert found["rates"]["effective_date"].dt.date.tolist() == [
        date.fromisoformat(row["effective_date"]) for row in sent
    ]
    assert found["exact"]["mid"].tolist() == [row["mid"] for row in sent]
    assert found["rates"]["mid"].dtype.kind == found["gold"]["price"].dtype.kind == "f"
    assert found["gold"]["price"].tolist() == [595.71] * 3
    assert found["signals"]["signal"].tolist() == [
        row["signal"] for row in client.get("/signals?code=USD").json()["items"]
    ]


def test_a_page_of_another_origin_reads_it_with_fetch(client: Client, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    (url,) = re.findall(r'fetch\("(.*?)"\)', blocks(PAGE, "js")[0])
    answer = client.get(address_of(url), headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert 'trim().split("\\n").map(JSON.parse)' in blocks(PAGE, "js")[0]
    rows = [json.loads(line) for line in body(answer).decode().strip().split("\n")]
    assert rows == client.get("/rates?code=USD").json()["items"]


def imported(answer: Any, delimiter: str = "") -> list[list[str]]:
    """By the rules of IMPORTDATA: UTF-8, the named delimiter or that of the type, quotes as in RFC 4180."""
    assert answer.status_code == 200, answer.content
    kind = answer.headers["Content-Type"]
    assert kind.endswith("charset=utf-8")
    usual = "\t" if "tab-separated" in kind else ","
    return list(csv.reader(io.StringIO(body(answer).decode()), delimiter=delimiter or usual, strict=True))


@pytest.mark.parametrize("formula", formulas()[:2])
def test_a_cell_of_a_sheet_is_one_number_in_the_named_locale(client: Client, formula: str) -> None:
    url, delimiter, locale = re.findall(r'"(.*?)"', formula)
    [[cell]] = imported(client.get(address_of(url)), delimiter)
    assert (polish(cell) if locale == "pl_PL" else float(cell)) > 3


def test_a_cell_of_excel_is_the_whole_text(client: Client) -> None:
    (url,) = re.findall(r'=WEBSERVICE\("(.*?)"\)', read(PAGE))
    assert polish(body(client.get(address_of(url))).decode()) > 3


def polish(text: str) -> float:
    """As a sheet or Power Query reads a number in pl-PL: a comma, and spaces between thousands."""
    assert re.fullmatch(r"-?[0-9]{1,3}([ \u00a0]?[0-9]{3})*(,[0-9]+)?", text), text
    return float(re.sub(r"[ \u00a0]", "", text).replace(",", "."))


def test_a_polish_sheet_imports_a_list(client: Client) -> None:
    (url,) = re.findall(r'"(.*?)"', formulas()[2])
    head, *rows = imported(client.get(address_of(url)))
    sent = client.get("/rates?code=USD").json()["items"]
    assert [polish(row[head.index("mid")]) for row in rows] == [float(row["mid"]) for row in sent]


def test_power_query_reads_the_list_by_its_own_rules(client: Client) -> None:
    """Csv.Document: delimiter, code page and quotes as given, no byte order mark; then types by the culture."""
    query = next(text for text in blocks(PAGE, "text") if "Csv.Document" in text)
    (url,) = re.findall(r'Web\.Contents\("(.*?)"\)', query)
    (delimiter,) = re.findall(r'Delimiter = "(.)"', query)
    assert (re.findall(r"Encoding = (\d+)", query), "QuoteStyle.Csv" in query) == (["65001"], True)
    text = body(client.get(address_of(url))).decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    types = dict(re.findall(r'\{"(\w+)", type (\w+)\}', query))
    assert '"pl-PL")' in query
    convert: dict[str, Callable[[str], Any]] = {"date": date.fromisoformat, "number": polish}
    found = [{name: convert[kind](row[head.index(name)]) for name, kind in types.items()} for row in rows]
    sent = client.get("/rates?code=USD").json()["items"]
    assert [row["mid"] for row in found] == [float(row["mid"]) for row in sent]
    assert [row["effective_date"].isoformat() for row in found] == [row["effective_date"] for row in sent]
