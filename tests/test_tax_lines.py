"""Many questions of tax at once, as JSON or as a table of a spreadsheet: each line has its answer or its own error."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from charon.api.errors import WORDS
from charon.serving import bodies
from markets.api import tax_answers, tax_lines
from markets.api.tax_schemas import TaxAnswers
from markets.models import Job, Source
from markets.store.publish import publish
from tests.cases import walk
from tests.test_api_errors import error
from tests.test_tax_invoice import official

pytestmark = pytest.mark.django_db

TABLES = """
248/A/NBP/2025 2025-12-23 EUR=4.2274 USD=3.5848 HUF=0.010900
055/A/NBP/2026 2026-03-20 EUR=4.2768 USD=3.7032 HUF=0.011000
"""
USD = {"rule": "pit-revenue", "code": "USD", "date": "2025-12-29", "amount": "1500"}
EUR = {"rule": "pit-cost", "code": "EUR", "date": "2026-03-23", "amount": "-10.005"}


@pytest.fixture(autouse=True)
def tables(at: Callable[[str], None], nbp: Source, job: Job) -> None:
    at("2026-10-26 12:00")
    publish(official(TABLES), nbp, job)


def send(client: Client, lines: Any, query: str = "", **headers: str) -> Any:
    return client.post(f"/tax-rate{query}", json.dumps(lines), content_type="application/json", headers=headers)


def send_table(client: Client, text: str | bytes, query: str = "?rule=pit-revenue", **headers: str) -> Any:
    body = text if isinstance(text, bytes) else text.encode()
    return client.post(f"/tax-rate{query}", body, content_type="text/csv", headers=headers)


def told(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    TaxAnswers.model_validate(found)
    return found


def amounts(response: Any) -> list[Any]:
    return [one["answer"] and one["answer"]["amount_pln"] for one in told(response)["items"]]


def errors(response: Any) -> dict[int, tuple[str, str]]:
    """(code, message) by the number of the line."""
    return {
        one["line"]: (one["error"]["code"], one["error"]["message"]) for one in told(response)["items"] if one["error"]
    }


# JSON


def test_each_line_has_its_answer_and_the_totals_add_them_up(client: Client) -> None:
    found = told(send(client, {"lines": [USD, EUR]}))
    assert [one["line"] for one in found["items"]] == [1, 2]
    assert [one["answer"]["table_no"] for one in found["items"]] == ["248/A/NBP/2025", "055/A/NBP/2026"]
    assert [one["answer"]["amount_pln"] for one in found["items"]] == ["5377.20", "-42.79"]
    assert found["count"] == 2
    assert found["totals"] == {"answered": 2, "refused": 0, "amount_pln": "5334.41", "final": True}


def test_a_bare_array_is_the_same(client: Client) -> None:
    assert told(send(client, [USD, EUR])) == told(send(client, {"lines": [USD, EUR]}))


def test_a_line_that_is_wrong_has_the_envelope_and_the_others_live(client: Client) -> None:
    wrong = [
        USD | {"date": "2025-13-01"}, USD | {"rule": "pit-revenu"}, USD | {"code": "USB"}, USD | {"bogus": "1"},
        {"rule": "pit-revenue", "code": "USD"}, USD | {"amount": 1500}, "text", USD | {"date": "1980-01-02"},
        {"rule": "pit-revenue", "date": "2025-12-29"}, USD | {"code": "U\0D"}, USD | {"amount": "１５００"},
    ]  # fmt: skip
    response = send(client, [USD, *wrong, USD])
    codes = [found for found, _ in errors(response).values()]
    assert codes == [
        "invalid_parameters", "unknown_rule", "unknown_code", "invalid_parameters", "missing_input",
        "invalid_parameters", "unreadable_line", "rule_not_in_force", "missing_input", "invalid_parameters",
        "invalid_parameters",
    ]  # fmt: skip
    items = told(response)["items"]
    assert items[0]["answer"] == items[-1]["answer"]
    shape = {tuple(one["error"]) for one in items if one["error"]}
    assert shape == {("code", "message", "detail", "id")}
    assert {one["error"]["id"] for one in items if one["error"]} == {response.headers["X-Request-ID"]}
    assert items[1]["error"]["detail"][0]["field"] == "date"
    assert items[4]["error"]["detail"] == [{"field": "bogus", "message": "is not a parameter here"}]


@pytest.mark.slow
def test_500_lines_are_taken_with_as_many_statements_as_one_and_501_are_refused(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(3):
        assert told(send(client, [USD] * 500))["totals"]["answered"] == 500
    found = error(send(client, [USD] * 501), 422)
    assert (found["code"], found["detail"]) == ("too_many_lines", {"lines": 501, "most": 500})
    rows = "data;kwota;waluta\n" + "2025-12-29;1;USD\n" * 501
    assert error(send_table(client, rows), 422)["code"] == "too_many_lines"


def test_500_lines_with_many_inputs_fit_into_a_body() -> None:
    named = USD | {"tax_point": "2026-10-26", "invoice_date": "2026-10-26", "actual_rate": "4.2776", "choice": "nbp"}
    assert bodies.LIMIT < len(json.dumps({"lines": [named] * 500})) <= bodies.LARGEST


def test_a_body_of_ten_megabytes_is_413_and_one_of_200_kilobytes_is_read(client: Client) -> None:
    found = error(send(client, [USD | {"code": "x" * 10_000_000}]), 413)
    assert (found["code"], found["message"]) == ("too_large", WORDS[413])
    assert errors(send(client, [USD | {"code": "x" * 200_000}]))[1][0] == "invalid_parameters"


def test_the_rule_of_the_address_is_that_of_lines_without_one(client: Client) -> None:
    bare = {name: value for name, value in USD.items() if name != "rule"}
    assert errors(send(client, [bare]))[1] == ("invalid_parameters", "Wrong parameters: rule")
    found = told(send(client, [bare, bare | {"rule": "pit-cost"}], "?rule=pit-revenue"))
    assert [one["answer"]["rule"]["id"] for one in found["items"]] == ["pit-revenue", "pit-cost"]


@walk("body", [{"lines": []}, [], {"lines": None}, {"lines": {}}, {}, {"lines": [[]]}, 5, None])
def test_what_is_no_list_of_lines_is_422(client: Client, body: Any) -> None:
    assert error(send(client, body), 422)


# Tables


@walk(
    "text",
    [
        "date,amount,code\n2025-12-29,1500,USD\n",
        "date;amount;currency\n2025-12-29;1500,00;USD",
        "data;kwota;waluta\r\n2025-12-29;1 500,00;usd\r\n",
        "date\tamount\tcurrency\n2025-12-29\t1500,0\tUSD\n",
        "2025-12-29;1500;USD\n",
        "\ufeffdata;kwota;waluta\n2025-12-29;1\u00a0500,00;USD\n",
        'date,amount,code\n"2025-12-29","1500,00","USD"\n',
        "\n\ndate,amount,code\n;;;\n\n2025-12-29,1500,USD,,\n\n",
        "Kwota;Data;Waluta;Reguła\n1500;2025-12-29;USD;pit-revenue\n",
        "amount;invoice_date;date;code;order\n1500;;2025-12-29;USD;\n",
    ],
)
def test_a_table_is_read_as_spreadsheets_write_it(client: Client, text: str) -> None:
    assert amounts(send_table(client, text)) == ["5377.20"]


def test_what_excel_writes_under_polish_windows_is_read_too(client: Client) -> None:
    text = "data;kwota;waluta;reguła\n2025-12-29;1500;USD;pit-cost\n".encode("cp1250")
    assert told(send_table(client, text))["items"][0]["answer"]["rule"]["id"] == "pit-cost"


def test_lines_count_from_one_with_the_header(client: Client) -> None:
    found = told(send_table(client, "data;kwota;waluta\n2025-12-29;1;USD\n\n2026-03-23;1;EUR\n"))
    assert [one["line"] for one in found["items"]] == [2, 4]


@walk(
    ("line", "code", "words"),
    [
        ("2025-12-29,100,USD", "unreadable_line", "Line 3 is separated by ',', and the first one by ';'"),
        ("2025-12-29\t100\tUSD", "unreadable_line", "Line 3 is separated by a tab"),
        ('=HYPERLINK("http://x")', "unreadable_line", "Line 3"),
        ("2025-12-29;=1+1;USD", "formula", "Line 3, amount: a formula is not taken"),
        ("2025-12-29;+5;USD", "formula", "Line 3, amount"),
        ("2025-12-29;5;@SUM(A1)", "formula", "Line 3, code"),
        ('2025-12-29;5;"=USD"', "formula", "Line 3, code"),
        ("2025-12-29;-A1;USD", "formula", "Line 3, amount"),
        ('2025-12-29;"5;USD', "unreadable_line", "Line 3 has a quote"),
        ('2025-12-29;5;U"S"D', "unreadable_line", "Line 3 has a quote"),
        ("2025-12-29;5;USD;more", "unreadable_line", "Line 3 has more cells"),
        ("2025-12-29;5;U\0D", "unreadable_line", "Line 3 has a NUL character"),
        ("2025-12-29;5;USD" + ";" * 300, "unreadable_line", "Line 3 has more than 256 cells"),
        ("2025-12-29;1,5,0;USD", "invalid_parameters", "Wrong parameters: amount"),
        ("２０２５-12-29;5;USD", "invalid_parameters", "Wrong parameters: date"),
        ("29.12.2025;5;USD", "invalid_parameters", "Wrong parameters: date"),
        ("2025-12-29;1e5;USD", "invalid_parameters", "Wrong parameters: amount"),
        (";5;USD", "missing_input", "date"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_the_others_are_answered(
    client: Client, line: str, code: str, words: str
) -> None:
    response = send_table(client, f"data;kwota;waluta\n2025-12-29;1500;USD\n{line}\n2025-12-29;-1500;USD\n")
    assert amounts(response) == ["5377.20", None, "-5377.20"]
    ((number, (found, message)),) = errors(response).items()
    assert (number, found) == (3, code)
    assert words in message
    assert told(response)["totals"]["refused"] == 1


@walk(
    ("line", "words"),
    [
        ("2025-12-29;5;USD\n2025-12-29;7;EUR", "Line 3 has a line break"),
        ("2025-12-29;5;U\rSD", "Line 3 has a line break"),
        ("2025-12-29;5;\ud800", "Line 3 is no text"),
    ],
)
def test_what_only_json_can_write_in_a_line_of_a_table_moves_no_other_line(
    client: Client, line: str, words: str
) -> None:
    response = send(client, ["date;amount;code", "2025-12-29;1500;USD", line, "2025-12-29;-1500;USD"], "?rule=pit")
    assert amounts(response) == ["5377.20", None, "-5377.20"]
    ((number, (code, message)),) = errors(response).items()
    assert (number, code) == (3, "unreadable_line")
    assert words in message


def test_a_wide_line_and_thousands_of_short_ones_are_refused_before_they_are_read(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tax_lines, "cells", lambda *_: pytest.fail("every line was read as wide as the widest"))
    text = "data;kwota;waluta\n" + "2025-12-29" + ";" * 100_000 + "1\n" + "1;\n" * 40_000
    assert error(send_table(client, text), 422)["code"] == "too_many_lines"


@walk(
    ("text", "words"),
    [
        ("", "body"),
        ("\n \n;;\n", "no lines"),
        ("data;kwota;cena\n2025-12-29;1;2\n", "'cena'"),
        ("data;kwota;date\n2025-12-29;1;2025-12-29\n", "twice: date"),
        ("=cmd;kwota\n2025-12-29;1\n", "'=cmd'"),
        ('"data;kwota;waluta\n2025-12-29;1;USD\n', "quote"),
    ],
)
def test_a_table_whose_header_cannot_be_read_is_refused_whole(client: Client, text: str, words: str) -> None:
    assert words in str(error(send_table(client, text), 422))


def test_text_of_another_kind_is_no_table(client: Client) -> None:
    assert error(send_table(client, b"PK\x03\x04\x00\x00\x98"), 400)["code"] == "bad_request"
    assert error(send_table(client, b"\xff\xfed\x00a\x00"), 422)


# The answer as a table


def cells(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.content.decode())))


def test_the_answer_is_a_table_where_the_client_takes_one(client: Client) -> None:
    asked = cells(send(client, [USD, EUR], Accept="text/csv"))
    named = cells(send(client, [USD, EUR], "?format=csv"))
    assert asked == named
    assert [(row["table_no"], row["rate"], row["amount_pln"]) for row in asked] == [
        ("248/A/NBP/2025", "3.5848", "5377.20"), ("055/A/NBP/2026", "4.2768", "-42.79"),
    ]  # fmt: skip
    assert asked[0]["final"] == "true"
    for kind in ("*/*", "application/json", "text/html, */*;q=0.1"):
        assert "items" in send(client, [USD], Accept=kind).json()
    assert "items" in send(client, [USD], "?format=json", Accept="text/csv").json()


def test_a_refused_line_is_a_row_of_that_table(client: Client) -> None:
    rows = cells(send(client, [USD | {"rule": "=1+1"}, USD | {"code": "+USB"}, USD], "?format=csv"))
    assert [row["error_code"] for row in rows] == ["unknown_rule", "unknown_code", ""]
    assert "=1+1" in rows[0]["error"]


def test_an_amount_below_zero_is_a_number_and_what_an_answer_lacks_is_an_empty_cell() -> None:
    answer = {"input": {"amount": "-1500.50"}, "rate": "3.5848", "final": False, "warnings": ["archive_only", "stale"]}
    names, line = tax_answers.table({"items": [{"line": 2, "answer": answer, "error": None}]}).decode().splitlines()
    assert names.startswith("line,rule,statute,code,date,amount,rate,unit,source,table,table_no,effective_date,")
    assert line == "2,,,,,-1500.50,3.5848,,,,,,,,,false,archive_only stale,,,"


@walk("text", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1"])
def test_no_cell_is_one_that_a_spreadsheet_runs(text: str) -> None:
    error = {"code": "formula", "message": text, "detail": None, "id": ""}
    written = tax_answers.table({"items": [{"line": 1, "answer": None, "error": error}]}).decode()
    (row,) = csv.DictReader(io.StringIO(written, newline=""))
    assert row["error"] == f"'{text}".replace("\r", "\n")


def test_another_format_is_422(client: Client) -> None:
    assert error(send(client, [USD], "?format=xml"), 422)["detail"][0]["field"] == "format"


def test_lines_that_are_all_refused_are_final_in_nothing(client: Client) -> None:
    found = told(send(client, [USD | {"rule": "pot"}]))["totals"]
    assert found == {"answered": 0, "refused": 1, "amount_pln": "0.00", "final": False}
