"""The addresses of the tax rate: one question, the list of the rules, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from markets.api.tax_schemas import TaxAnswer, TaxRulePage
from markets.models import Job, Source
from markets.queries.tax import registry
from markets.store.publish import publish
from tests.cases import walk
from tests.test_api_errors import error
from tests.test_tax_invoice import DIGEST, official

pytestmark = pytest.mark.django_db

TABLES = """
248/A/NBP/2025 2025-12-23 EUR=4.2274 USD=3.5848
055/A/NBP/2026 2026-03-20 EUR=4.2768 USD=3.7032
146/A/NBP/2026 2026-07-30 USD=3.7644
207/A/NBP/2026 2026-10-23 USD=3.8900
"""
ASKED = {"rule": "pit-revenue", "code": "USD", "date": "2025-12-29", "amount": "1500"}
PARAMETERS = {
    "rule", "code", "date", "amount", "choice", "as_of", "tax_point", "invoice_date", "payment_date",
    "original_tax_point", "original_invoice_date", "year", "period_end", "actual_rate", "reference", "cross_rate",
    "order",
}  # fmt: skip


@pytest.fixture(autouse=True)
def tables(at: Callable[[str], None], nbp: Source, job: Job) -> None:
    at("2026-10-26 12:00")
    publish(official(TABLES), nbp, job)


def ask(client: Client, **changes: Any) -> Any:
    asked = {name: value for name, value in (ASKED | changes).items() if value is not None}
    return client.get("/tax-rate", asked)


def told(client: Client, **changes: Any) -> dict[str, Any]:
    response = ask(client, **changes)
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    TaxAnswer.model_validate(found)
    return found


def test_the_answer_to_a_revenue_in_dollars(client: Client) -> None:
    found = told(client)
    proof, skipped = found.pop("proof"), found.pop("skipped")
    assert proof["publication"].startswith("/api/v1/provenance/publication/")
    assert proof["sha256"] == DIGEST
    assert [(day["date"], day["reason"], day.get("name")) for day in skipped] == [
        ("2025-12-28", "weekend", None), ("2025-12-27", "weekend", None),
        ("2025-12-26", "holiday", "Boże Narodzenie"), ("2025-12-25", "holiday", "Boże Narodzenie"),
        ("2025-12-24", "holiday", "Wigilia"),
    ]  # fmt: skip
    rule = found.pop("rule")
    assert (rule["id"], rule["statute"], rule["version_from"]) == ("pit-revenue", "PIT art. 11a(1)", "2012-01-01")
    assert found == {
        "input": {"code": "USD", "date": "2025-12-29", "amount": "1500"}, "rate": "3.5848", "unit": 1,
        "derived": False, "source": "nbp", "table": "A", "table_no": "248/A/NBP/2025",
        "effective_date": "2025-12-23", "edition": None, "amount_pln": "5377.20", "into": "PLN",
        "amount_into": "5377.20", "rounding": "half_up_0.01",
        "final": True, "why_not_final": None, "ambiguous": False, "warnings": [], "legs": [],
        "citation": "Tabela nr 248/A/NBP/2025 z dnia 2025-12-23, 1 USD = 3,5848 PLN", "notice": "Not tax advice",
    }  # fmt: skip


def test_three_statements_are_enough(client: Client, django_assert_max_num_queries: Any) -> None:
    told(client)
    with django_assert_max_num_queries(3):
        told(client, date="2026-03-23")


def test_an_answer_has_a_tag_and_is_kept_for_a_minute(client: Client) -> None:
    first = ask(client)
    assert first.headers["Cache-Control"] == "public, max-age=60, stale-if-error=86400"
    again = client.get("/tax-rate", ASKED, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@walk(("alias", "rule"), [("pit", "pit-revenue"), ("VAT", "vat"), ("same-day", "same-day")])
def test_aliases_and_any_case_of_letters(client: Client, alias: str, rule: str) -> None:
    assert told(client, rule=alias, date="2026-03-23")["rule"]["id"] == rule


def test_every_parameter_is_documented_with_an_example(client: Client) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/api/v1/tax-rate"]["get"]
    rows = {row["name"]: row for row in operation["parameters"]}
    assert rows.keys() == PARAMETERS
    assert all(row["description"] and "example" in row for row in rows.values())
    assert [name for name, row in rows.items() if row["required"]] == ["rule"]


def test_an_input_reaches_the_rule_by_its_name(client: Client) -> None:
    found = told(client, rule="vat", date=None, tax_point="2026-07-31", invoice_date="2026-08-05", order="net-first")
    assert found["input"] == {
        "code": "USD", "amount": "1500", "tax_point": "2026-07-31", "invoice_date": "2026-08-05", "order": "net-first",
    }  # fmt: skip
    assert found["table_no"] == "146/A/NBP/2026"


def test_a_rule_about_one_currency_needs_no_code(client: Client, nbp: Source, job: Job) -> None:
    publish(official("190/A/NBP/2025 2025-10-01 EUR=4.2586"), nbp, job)
    found = told(client, rule="limit-october", code=None, date=None, amount="2000000", year="2026")
    assert (found["input"]["code"], found["rate"]) == ("EUR", "4.2586")
    assert error(ask(client, code=None), 422)["code"] == "missing_input"


def test_the_rules_are_listed_with_their_inputs(client: Client) -> None:
    response = client.get("/tax-rules")
    found = response.json()
    TaxRulePage.model_validate(found)
    assert found["count"] == len(found["items"]) == len(registry.RULES) == 30
    rows = {row["id"]: row for row in found["items"]}
    assert [one["name"] for one in rows["pit-revenue"]["inputs"] if one["required"]] == ["code", "date"]
    assert "pit" in rows["pit-revenue"]["aliases"]
    assert client.get("/tax-rules", {"limit": "2", "offset": "29"}).json()["items"] == [found["items"][-1]]
    assert client.get("/tax-rules", headers={"If-None-Match": response.headers["ETag"]}).status_code == 304
    names = {one["name"] for row in rows.values() for one in row["inputs"]}
    assert names <= PARAMETERS


# What is refused


@walk(
    ("changes", "status", "code"),
    [
        ({"code": "USB"}, 404, "unknown_code"),
        ({"code": "BTC"}, 404, "unknown_code"),
        ({"rule": "pit-revenu"}, 422, "unknown_rule"),
        ({"rule": "x" * 32}, 422, "unknown_rule"),
        ({"date": None}, 422, "missing_input"),
        ({"date": "2011-12-31"}, 422, "rule_not_in_force"),
        ({"date": "0001-01-01"}, 422, "rule_not_in_force"),
        ({"date": "2015-01-02"}, 422, "no_rate_before"),
        ({"code": "KYD"}, 422, "not_quoted"),
        ({"rule": "vat", "tax_point": "2026-07-31"}, 400, "contradiction"),
        ({"date": "2026-05-04"}, 503, "stale"),
    ],
)
def test_each_refusal_has_its_status_and_its_code(
    client: Client, changes: dict[str, Any], status: int, code: str
) -> None:
    found = error(ask(client, **changes), status)
    assert found["code"] == code
    assert status != 404 or "nearest" in found["detail"]


def test_a_currency_that_left_its_table_says_where_it_was_last(client: Client, nbp: Source, job: Job) -> None:
    publish(official("251/A/NBP/2025 2025-12-31 BGN=2.1600 EUR=4.2267\n020/A/NBP/2026 2026-01-30 EUR=4.2131"), nbp, job)
    found = error(ask(client, code="BGN", date="2026-02-02"), 422)
    assert found["code"] == "currency_left_table"
    assert "251/A/NBP/2025" in str(found["detail"])
    assert "EUR" in str(found["detail"])


WRONG: list[tuple[str, list[str]]] = [
    ("rule", ["", "x" * 33, "a\0b"]),
    ("code", ["", "U" * 33, "U\0D"]),
    ("date", ["", "yesterday", "2026-02-30", "２０２６-10-26", "2026-10-26T12:00", "1700000000", "9" * 5000]),
    ("amount", ["", "x", "1,5", "1e5", "+5", " 5", "５", "NaN", "Infinity", "1_000", "9" * 16, "0." + "1" * 11, "."]),
    ("actual_rate", ["", "0", "-1", "x", "４"]),
    ("cross_rate", ["", "0", "0.0", "x"]),
    ("year", ["", "x", "1899", "2201", "２０２６", "2026.0", "9" * 5000]),
    ("choice", ["", "NBP", "fed"]),
    ("order", ["", "both"]),
    ("reference", ["", "U" * 33, "U\0D"]),
    ("as_of", ["", "now", "2026-10-26T25:00:00Z", "２０２６-10-26"]),
    *((name, ["", "2026-13-01", "26.10.2026", "２０２６-10-26", "2026\0-10"]) for name in sorted(PARAMETERS)
      if name.endswith(("_date", "_point", "_end"))),
]  # fmt: skip


@walk(("name", "values"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_a_parameter_that_is_wrong_empty_or_too_long_is_422_and_named(
    client: Client, name: str, values: list[str]
) -> None:
    for value in values:
        found = error(ask(client, **{name: value}), 422)
        assert name in [fault["field"] for fault in found["detail"]], value


def test_a_parameter_that_comes_twice_or_that_nobody_knows_is_422(client: Client) -> None:
    for name in PARAMETERS:
        found = error(client.get("/tax-rate", ASKED | {name: ["1", "2"]}), 422)
        assert [fault["message"] for fault in found["detail"] if fault["field"] == name] == ["may be given once"]
    assert error(ask(client, kurs="1"), 422)["detail"][0]["field"] == "kurs"


def test_a_day_to_come_is_answered_and_not_final(client: Client, nbp: Source, job: Job) -> None:
    publish(official("208/A/NBP/2026 2026-10-26 USD=3.9000"), nbp, job)
    for day in ("2026-10-28", "2027-10-26", "9999-12-31"):
        found = ask(client, date=day)
        assert found.status_code == 503 or found.json()["final"] is False, day


def test_huge_amounts_keep_every_grosz(client: Client) -> None:
    assert told(client, amount="999999999999999.99")["amount_pln"] == "3584799999999999.96"
    assert told(client, amount="-0.0000000001")["amount_pln"].lstrip("-") == "0.00"


def test_the_public_sees_nothing_of_a_source_that_is_closed(client: Client) -> None:
    Source.objects.filter(code="nbp").update(public_api=False)
    assert error(ask(client), 403)["code"] == "not_public"
