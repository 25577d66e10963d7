"""Invoices FA(3) in a foreign currency: which rate each line has, the tax in PLN, and the fragments of the XML."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from markets.api.tax_invoice_schemas import RatedInvoice
from markets.models import Job, Source
from markets.queries.tax.invoice import amounts, xml
from markets.queries.tax.invoice.amounts import Part
from markets.records import RateRecord, Table
from markets.store.publish import publish
from tests.cases import walk
from tests.test_api_errors import error

pytestmark = pytest.mark.django_db

# As the NBP published them: number, day, and the mid of each currency.
TABLES = """
248/A/NBP/2025 2025-12-23 EUR=4.2274 USD=3.5848
055/A/NBP/2026 2026-03-20 EUR=4.2768 USD=3.7032
145/A/NBP/2026 2026-07-29 EUR=4.2500 USD=3.7500
146/A/NBP/2026 2026-07-30 EUR=4.2600 USD=3.7644
147/A/NBP/2026 2026-07-31 EUR=4.2610 USD=3.7600
148/A/NBP/2026 2026-08-03 EUR=4.2620 USD=3.7500
149/A/NBP/2026 2026-08-04 EUR=4.2890 USD=3.7468
205/A/NBP/2026 2026-10-21 EUR=4.2280
206/A/NBP/2026 2026-10-22 IDR=0.00021751 EUR=4.2300
207/A/NBP/2026 2026-10-23 IDR=0.00021749 EUR=4.2340
042/B/NBP/2026 2026-10-21 IRR=0.00000212 VND=0.00015030
"""
EXAMPLE: dict[str, Any] = {
    "kind": "VAT", "code": "USD", "choice": "nbp", "order": "tax-first", "P_1": "2026-08-05",
    "period_end": "2026-07-31", "original": None, "payments": [],
    "lines": [{"no": 1, "P_6A": None, "service": "19a(3)", "net": "1000.00", "vat": "23"}],
}  # fmt: skip
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def official(text: str) -> list[Table]:
    found = []
    for row in text.strip().splitlines():
        number, day, *figures = row.split()
        pairs = (figure.split("=") for figure in figures)
        rates = [RateRecord(code, mid=Decimal(mid)) for code, mid in pairs]
        letter: Any = number.split("/")[1]
        found.append(Table(letter, date.fromisoformat(day), rates, number, sha256=DIGEST, url="https://api.nbp.pl/"))
    return found


@pytest.fixture(autouse=True)
def tables(at: Callable[[str], None], nbp: Source, job: Job) -> None:
    at("2026-10-26 12:00")
    publish(official(TABLES), nbp, job)


def ask(client: Client, **changes: Any) -> Any:
    body = {name: value for name, value in (EXAMPLE | changes).items() if value is not None}
    return client.post("/tax-rate/invoice", json.dumps(body), content_type="application/json")


def rated(client: Client, **changes: Any) -> dict[str, Any]:
    response = ask(client, **changes)
    assert response.status_code == 200, response.content
    told: dict[str, Any] = response.json()
    RatedInvoice.model_validate(told)
    return told


def line(no: int = 1, net: str = "1000.00", vat: str = "23", **more: Any) -> dict[str, Any]:
    return {"no": no, "net": net, "vat": vat} | more


def written(told: dict[str, Any]) -> dict[str, str]:
    return {one["path"]: one["value"] for one in told["xml"]}


def tables_of(told: dict[str, Any]) -> list[str]:
    return [one["answer"]["table_no"] for one in told["lines"]]


# The example


def test_the_end_of_the_period_decides_and_the_other_reading_is_shown(client: Client) -> None:
    told = rated(client)
    (first,) = told["lines"]
    assert (first["no"], first["tax_point"], first["basis"]) == (1, "2026-07-31", "VAT art. 31a(1)")
    assert (first["answer"]["rate"], first["answer"]["table_no"]) == ("3.7644", "146/A/NBP/2026")
    other = {name: first["alternative"][name] for name in ("service", "rate", "table_no")}
    assert other == {"service": "19a(5)(4)", "rate": "3.7468", "table_no": "149/A/NBP/2026"}
    assert told["totals"] == {"P_14_1": "230.00", "P_14_1W": "865.81"}
    assert told["xml"] == [
        {"path": "Fa/P_14_1W", "value": "865.81"},
        {"path": "Fa/FaWiersz[1]/KursWaluty", "value": "3.7644"},
    ]
    assert (told["final"], told["warnings"], told["order"], told["notice"]) == (True, [], "tax-first", "Not tax advice")


def test_the_other_service_is_shown_with_the_first_one_beside_it(client: Client) -> None:
    (first,) = rated(client, lines=[line(service="19a(5)(4)")])["lines"]
    assert (first["tax_point"], first["answer"]["rate"]) == ("2026-08-05", "3.7468")
    assert (first["alternative"]["service"], first["alternative"]["rate"]) == ("19a(3)", "3.7644")


def test_an_alias_of_the_currency_is_called_by_its_code(client: Client) -> None:
    assert rated(client, code=" usd/pln ") == rated(client)


def test_nothing_is_stored_and_nobody_keeps_the_answer(client: Client) -> None:
    response = ask(client)
    assert response.headers["Cache-Control"] == "private, no-store"
    assert not response.headers.get("ETag")


def test_as_many_statements_as_for_one_question(client: Client, django_assert_max_num_queries: Any) -> None:
    lines = [line(no, P_6A=f"2026-07-{day}") for no, day in ((1, 30), (2, 31))]
    with django_assert_max_num_queries(3):
        rated(client, lines=lines)


# Which day decides


@walk(
    ("changes", "point", "basis", "table"),
    [
        ({"period_end": None, "P_6": "2026-07-31"}, "2026-07-31", "31a(1)", "146/A/NBP/2026"),
        ({"period_end": None}, "2026-08-05", "31a(1)", "149/A/NBP/2026"),
        ({"P_1": "2026-07-30"}, "2026-07-31", "31a(2)", "145/A/NBP/2026"),
        ({"lines": [line(P_6A="2026-07-30")]}, "2026-07-30", "31a(1)", "145/A/NBP/2026"),
        ({"lines": [line(service="19a(1)")]}, "2026-07-31", "31a(1)", "146/A/NBP/2026"),
        ({"lines": [line(service="20(1)")]}, "2026-08-05", "31a(1)", "149/A/NBP/2026"),
        (
            {"P_1": "2026-07-30", "period_end": "9999-12-31", "lines": [line(service="20(1)")]},
            "2026-07-30", "31a(1)", "145/A/NBP/2026",
        ),
        (
            {"lines": [line(service="20(5)")], "period_end": None, "P_6": "2026-06-30", "P_1": "2026-10-26"},
            "2026-07-15", "31a(1)", None,
        ),
    ],
)  # fmt: skip
def test_the_tax_point_of_a_line(
    client: Client, changes: dict[str, Any], point: str, basis: str, table: str | None, nbp: Source, job: Job
) -> None:
    publish(official("134/A/NBP/2026 2026-07-14 USD=3.7000"), nbp, job)
    (first,) = rated(client, **changes)["lines"]
    assert (first["tax_point"], first["basis"]) == (point, f"VAT art. {basis}")
    assert first["answer"]["table_no"] == (table or "134/A/NBP/2026")


def test_lines_of_several_days_have_rates_of_their_own(client: Client) -> None:
    told = rated(client, lines=[line(1, "100.00", P_6A="2026-07-30"), line(2, "100.00", P_6A="2026-07-31")])
    assert tables_of(told) == ["145/A/NBP/2026", "146/A/NBP/2026"]
    assert told["totals"] == {"P_14_1": "46.00", "P_14_1W": "172.83"}  # 86.25 + 86.58
    assert list(written(told)) == ["Fa/P_14_1W", "Fa/FaWiersz[1]/KursWaluty", "Fa/FaWiersz[2]/KursWaluty"]


# Amounts


def test_both_lawful_orders(client: Client) -> None:
    one = {"code": "EUR", "period_end": None, "lines": [line(net="439.02")]}
    first, other = (rated(client, order=order, **one)["totals"] for order in ("tax-first", "net-first"))
    assert first == {"P_14_1": "100.97", "P_14_1W": "433.06"}
    assert other == {"P_14_1": "100.97", "P_14_1W": "433.08"}


def test_each_rate_of_tax_has_its_element_and_those_without_tax_have_none(client: Client) -> None:
    rates = ["23", "8", "5", "4", "0", "zw", "np", "oo"]
    told = rated(client, lines=[line(no, "100", vat) for no, vat in enumerate(rates, 1)])
    assert list(told["totals"]) == [f"P_14_{x}{w}" for x in "1234" for w in ("", "W")]
    assert told["totals"]["P_14_4"] == "4.00"
    assert len(told["xml"]) == 4 + len(rates)
    older = rated(client, lines=[line(1, "100", "22"), line(2, "100", "7")])["totals"]
    assert (older["P_14_1"], older["P_14_2"]) == ("22.00", "7.00")


def test_oss_has_no_rate_and_no_amount_in_pln(client: Client) -> None:
    told = rated(client, lines=[line(1, "100", "oss", P_12_XII="19"), line(2, "100")])
    assert (told["lines"][0]["answer"], told["lines"][0]["basis"]) == (None, "VAT art. 130c(7)")
    assert told["totals"]["P_14_5"] == "19.00"
    assert "P_14_5W" not in told["totals"]
    assert list(written(told)) == ["Fa/P_14_1W", "Fa/FaWiersz[2]/KursWaluty"]


def test_lines_of_zero_and_below(client: Client) -> None:
    told = rated(client, lines=[line(1, "0"), line(2, "-100.10")])
    assert told["totals"] == {"P_14_1": "-23.02", "P_14_1W": "-86.66"}
    assert rated(client, lines=[line(1, "0.00"), line(2, "-0.00")])["totals"] == {"P_14_1": "0.00", "P_14_1W": "0.00"}


def test_half_a_grosz_goes_away_from_zero() -> None:
    parts = [Part("P_14_1", Decimal(23), Decimal(net), Decimal(1)) for net in ("0.50", "-1.00")]
    assert [amounts.half_up(part.net * part.percent / 100 * part.rate) for part in parts if part.rate] == [
        Decimal("0.12"), Decimal("-0.23"),
    ]  # fmt: skip
    assert amounts.half_up(Decimal("-0.115")) == Decimal("-0.12")
    assert str(amounts.half_up(Decimal("-0.001"))) == "0.00"


def test_the_largest_amounts_keep_every_grosz_and_larger_ones_are_refused(client: Client) -> None:
    net = "999999999999999.99"
    told = rated(client, lines=[line(net=net)])
    assert told["totals"] == {"P_14_1": "230000000000000.00", "P_14_1W": "865812000000000.00"}
    told = error(ask(client, lines=[line(no, net) for no in range(1, 80)]), 422)
    assert (told["code"], told["detail"]["field"]) == ("amount_too_large", "P_14_1")


# The digits of the XML


def test_a_rate_of_eight_decimals_is_told_and_never_cut_in_silence(client: Client) -> None:
    asked = {"code": "IDR", "P_1": "2026-10-26", "period_end": None}
    told = rated(client, **asked, lines=[line(net="1000000000", vat="23")])
    assert written(told) == {"Fa/P_14_1W": "50022.70", "Fa/FaWiersz[1]/KursWaluty": "0.000217"}
    (warning,) = told["warnings"]
    assert (warning["code"], warning["rate"], warning["value"]) == ("rate_truncated_in_xml", "0.00021749", "0.000217")
    assert told["dodatkowy_opis"] == [
        {"NrWiersza": 1, "Klucz": "Kurs waluty", "Wartosc": "1 IDR = 0.00021749 PLN, tabela 207/A/NBP/2026"}
    ]
    told = rated(client, **asked | {"code": "IRR", "P_1": "2026-10-22"})
    assert written(told)["Fa/FaWiersz[1]/KursWaluty"] == "0.000002"
    assert told["dodatkowy_opis"][0]["Wartosc"] == "1 IRR = 0.00000212 PLN, tabela 042/B/NBP/2026"


@walk(
    ("rate", "text"),
    [
        ("4.2000", "4.2000"), ("0.011972", "0.011972"), ("0.00021749", "0.000217"), ("0.00000212", "0.000002"),
        ("1E+3", "1000"), ("0.00015000", "0.000150"), ("3.59656615700008541897", "3.596566"),
    ],
)  # fmt: skip
def test_no_exponent_and_six_decimals_at_most(rate: str, text: str) -> None:
    assert xml.rate_text(Decimal(rate)) == text
    cut = xml.truncated([xml.Written("x", Decimal(rate), rate, None)])
    assert bool(cut) == (Decimal(rate) != Decimal(text))


def test_the_ecb_is_a_choice_and_its_quotient_is_not_rounded_first(client: Client, job: Job) -> None:
    rates = [RateRecord("EUR", mid=Decimal("4.2105")), RateRecord("EURUSD", mid=Decimal("1.1707"))]
    day = date(2026, 1, 6)
    publish([Table("eurofxref", day, rates, sha256=DIGEST, url="https://ecb.example/", kind="pair")],
            Source.objects.get(code="ecb"), job)  # fmt: skip
    told = rated(client, choice="ecb", P_1="2026-01-07", period_end=None, lines=[line(net="100000000")])
    (first,) = told["lines"]
    assert first["basis"] == "VAT art. 31a(1), sentence 2"
    assert first["answer"]["source"] == "ecb"
    exact = Decimal("4.2105") / Decimal("1.1707") * 23_000_000
    assert told["totals"]["P_14_1W"] == f"{exact:.2f}"
    assert written(told)["Fa/FaWiersz[1]/KursWaluty"] == "3.596566"
    assert told["warnings"][0]["rate"] == first["answer"]["rate"]


# Advances


def test_an_advance_of_one_payment_has_the_rate_of_its_day(client: Client) -> None:
    paid = [{"P_6Z": "2026-07-31", "P_15Z": "1230.00"}]
    told = rated(client, kind="ZAL", period_end=None, P_6="2026-07-31", payments=paid)
    assert told["totals"] == {"P_14_1": "230.00", "P_14_1W": "865.81"}
    assert told["xml"] == [
        {"path": "Fa/P_14_1W", "value": "865.81"}, {"path": "Fa/KursWalutyZ", "value": "3.7644"},
    ]  # fmt: skip
    assert told["lines"] == []
    assert told["payments"][0]["basis"] == "VAT art. 31a(1)"


def test_an_advance_of_several_payments_has_the_rate_of_each(client: Client) -> None:
    paid = [{"P_6Z": "2026-07-31", "P_15Z": "615.00"}, {"P_6Z": "2026-08-05", "P_15Z": "615.00", "vat": "23"}]
    told = rated(client, kind="ZAL", period_end=None, P_1="2026-08-06", payments=paid)
    assert list(written(told).items()) == [
        ("Fa/P_14_1W", "863.79"),  # 432.91 + 430.88
        ("Fa/ZaliczkaCzesciowa[1]/KursWalutyZW", "3.7644"),
        ("Fa/ZaliczkaCzesciowa[2]/KursWalutyZW", "3.7468"),
    ]
    assert told["totals"]["P_14_1"] == "230.00"


def test_an_advance_invoice_before_the_money_has_the_rate_before_its_own_day(client: Client) -> None:
    paid = [{"P_6Z": "2026-08-05", "P_15Z": "1230.00"}]
    (first,) = rated(client, kind="ZAL", P_1="2026-07-31", period_end=None, payments=paid)["payments"]
    assert (first["basis"], first["answer"]["table_no"]) == ("VAT art. 31a(2)", "146/A/NBP/2026")


def test_there_are_31_payments_at_most(client: Client) -> None:
    paid = [{"P_6Z": "2026-07-31", "P_15Z": "10"}] * 31
    assert len(rated(client, kind="ZAL", period_end=None, payments=paid)["xml"]) == 32
    told = error(ask(client, kind="ZAL", period_end=None, payments=[*paid, paid[0]]), 400)
    assert told["detail"] == {"fields": ["payments"]}


def test_a_final_invoice_converts_only_what_advances_have_not_taxed(client: Client) -> None:
    told = rated(client, kind="ROZ", advances=[{"net": "400.00", "vat": "23"}])
    assert told["totals"] == {"P_14_1": "138.00", "P_14_1W": "519.49"}
    lines = [line(1, P_6A="2026-07-30"), line(2, P_6A="2026-07-31")]
    told = error(ask(client, kind="ROZ", lines=lines, advances=[{"net": "400.00", "vat": "23"}]), 422)
    assert (told["code"], told["detail"]) == ("missing_input", {"missing": ["advances[0].no"]})
    told = rated(client, kind="ROZ", lines=lines, advances=[{"net": "1000.00", "vat": "23", "no": 1}])
    assert told["totals"] == {"P_14_1": "230.00", "P_14_1W": "865.81"}


def test_a_final_invoice_of_the_oss_too_taxes_only_the_rest(client: Client) -> None:
    lines = [line(1, "1000.00", "oss", P_12_XII="19"), line(2, "500.00", "oss", P_12_XII="20")]
    told = rated(client, kind="ROZ", lines=lines, advances=[{"net": "400.00", "vat": "oss", "no": 1}])
    assert told["totals"] == {"P_14_5": "214.00"}  # 19 % of 600 and 20 % of 500
    told = error(ask(client, kind="ROZ", lines=lines, advances=[{"net": "400.00", "vat": "oss"}]), 422)
    assert told["detail"] == {"missing": ["advances[0].no"]}


def test_a_taxpayer_of_the_ecb_corrects_at_the_choice_that_the_original_had(client: Client) -> None:
    told = rated(client, **CORRECTION | {"choice": "ecb", "original": ORIGINAL | {"choice": "nbp"}})
    assert tables_of(told) == ["248/A/NBP/2025"] * 2


def test_a_simplified_invoice_is_converted_as_any_other(client: Client) -> None:
    assert rated(client, kind="UPR")["xml"] == rated(client)["xml"]


# Corrections

ORIGINAL = {"P_1": "2025-12-29", "tax_point": "2025-12-29"}
PAIR = [line(1, "1000.00", StanPrzed=1), line(1, "900.00")]
CORRECTION: dict[str, Any] = {
    "kind": "KOR", "code": "EUR", "P_1": "2026-03-23", "period_end": None, "original": ORIGINAL, "lines": PAIR,
}  # fmt: skip


def test_a_correction_keeps_the_rate_of_its_original_in_both_rows(client: Client) -> None:
    told = rated(client, **CORRECTION)
    assert tables_of(told) == ["248/A/NBP/2025"] * 2
    assert {one["basis"] for one in told["lines"]} == {"VAT art. 31b(1)"}
    assert told["totals"] == {"P_14_1": "-23.00", "P_14_1W": "-97.23"}  # the difference
    assert told["xml"] == [
        {"path": "Fa/P_14_1W", "value": "-97.23"},
        {"path": "Fa/FaWiersz[1]/KursWaluty", "value": "4.2274"},
        {"path": "Fa/FaWiersz[2]/KursWaluty", "value": "4.2274"},
    ]


def test_the_row_before_stands_first_whatever_came_first(client: Client) -> None:
    lines = [line(2, "5.00"), line(1, "900.00"), line(1, "1000.00", StanPrzed=1)]
    told = rated(client, **CORRECTION | {"lines": lines})
    assert [(one["no"], one["StanPrzed"]) for one in told["lines"]] == [(2, None), (1, 1), (1, None)]
    assert told["totals"]["P_14_1"] == "-21.85"


def test_the_rate_that_stands_in_the_original_is_taken_as_it_is(client: Client) -> None:
    stored = {"P_1": "2025-12-29", "rate": "4.2000", "table_no": "100/A/NBP/2025"}
    told = rated(client, **CORRECTION | {"original": stored})
    assert [(one["answer"]["rate"], one["answer"]["table_no"]) for one in told["lines"]] == [
        ("4.2000", "100/A/NBP/2025")
    ] * 2
    assert told["totals"]["P_14_1W"] == "-96.60"
    assert written(told)["Fa/FaWiersz[1]/KursWaluty"] == "4.2000"


def test_a_wrong_rate_is_corrected_from_what_it_was_to_what_it_should_have_been(client: Client) -> None:
    wrong = ORIGINAL | {"rate": "4.0000", "is_rate_wrong": True}
    lines = [line(1, "1000.00", StanPrzed=1), line(1, "1000.00")]
    told = rated(client, **CORRECTION | {"original": wrong, "lines": lines})
    assert [one["answer"]["rate"] for one in told["lines"]] == ["4.0000", "4.2274"]
    assert told["totals"] == {"P_14_1": "0.00", "P_14_1W": "52.30"}  # 972.30 - 920.00


def test_a_collective_correction_has_the_rate_before_its_own_day_with_the_originals_beside_it(client: Client) -> None:
    told = rated(client, **CORRECTION | {"OkresFaKorygowanej": "grudzień 2025"})
    assert tables_of(told) == ["055/A/NBP/2026"] * 2
    (first, _) = told["lines"]
    assert (first["basis"], first["tax_point"]) == ("VAT art. 31b(2)", None)
    assert (first["alternative"]["basis"], first["alternative"]["table_no"]) == ("VAT art. 31b(1)", "248/A/NBP/2025")
    assert (
        rated(client, **CORRECTION | {"OkresFaKorygowanej": "2025", "original": None})["lines"][0]["alternative"]
        is None
    )


def test_the_rate_before_a_correction_of_an_advance_stands_behind_p_15zk(client: Client) -> None:
    told = rated(client, **CORRECTION | {"kind": "KOR_ZAL", "P_15ZK": "1230.00"})
    assert list(written(told).items()) == [("Fa/P_14_1W", "-97.23"), ("Fa/KursWalutyZK", "4.2274")]
    told = rated(client, **CORRECTION | {"kind": "KOR_ROZ", "P_15ZK": "1230.00"})
    assert list(written(told)) == [
        "Fa/P_14_1W", "Fa/KursWalutyZK", "Fa/FaWiersz[1]/KursWaluty", "Fa/FaWiersz[2]/KursWaluty",
    ]  # fmt: skip


# What cannot be

PAID = [{"P_6Z": "2026-07-30", "P_15Z": "1230.00"}]
CONTRADICTIONS: list[tuple[dict[str, Any], list[str]]] = [
    ({"P_6": "2026-07-31"}, ["P_6", "period_end"]),
    ({"period_end": None, "P_6": "2026-07-31", "lines": [line(P_6A="2026-07-30")]}, ["P_6", "lines[0].P_6A"]),
    ({"lines": [line(P_6A="2026-08-01")]}, ["period_end", "lines[0].P_6A"]),
    ({"kind": "ZAL", "period_end": None, "P_6": "2026-07-31", "payments": PAID}, ["P_6", "payments[0].P_6Z"]),
    ({"payments": PAID}, ["kind", "payments"]),
    ({"advances": [{"net": "1", "vat": "23"}]}, ["kind", "advances"]),
    ({"original": ORIGINAL}, ["kind", "original"]),
    ({"OkresFaKorygowanej": "2025"}, ["kind", "OkresFaKorygowanej", "P_15ZK"]),
    ({"lines": [line(StanPrzed=1)]}, ["kind", "lines[0].StanPrzed"]),
    ({"lines": [line(), line()]}, ["lines.no"]),
    ({"lines": [line(vat="oss")]}, ["lines[0].vat", "lines[0].P_12_XII"]),
    ({"lines": [line(P_12_XII="19")]}, ["lines[0].vat", "lines[0].P_12_XII"]),
    ({"code": "PLN"}, ["code"]),
    (CORRECTION | {"P_1": "2025-12-28"}, ["P_1", "original.P_1"]),
    (CORRECTION | {"original": ORIGINAL | {"choice": "nbp", "rate": "4.2"}}, ["original.choice", "original.rate"]),
    ({"kind": "ROZ", "advances": [{"net": "1", "vat": "23", "no": 9}]}, ["lines.no", "advances[0].no"]),
    ({"P_6": "2026-07-31", "payments": PAID}, ["kind", "payments", "P_6", "period_end"]),
    ({"kind": "ZAL", "period_end": None, "payments": [PAID[0] | {"vat": "oss"}]}, ["payments[0].vat"]),
    ({"kind": "ZAL", "period_end": None, "payments": PAID, "lines": [line(vat="oss", P_12_XII="19")]},
     ["payments[0].vat"]),
]  # fmt: skip


@walk(("changes", "fields"), CONTRADICTIONS, ids=lambda value: str(value)[:40])
def test_what_cannot_all_be_true_is_400_and_every_field_is_named(
    client: Client, changes: dict[str, Any], fields: list[str]
) -> None:
    told = error(ask(client, **changes), 400)
    assert told["code"] == "contradiction"
    assert set(fields) <= set(told["detail"]["fields"])


@walk(
    ("changes", "missing"),
    [
        ({"lines": []}, ["lines"]),
        ({"kind": "ZAL", "period_end": None}, ["payments"]),
        ({"kind": "ZAL", "period_end": None, "payments": PAID, "lines": []}, ["payments[0].vat"]),
        (CORRECTION | {"original": None}, ["original"]),
        (CORRECTION | {"original": {"P_1": "2025-12-29"}}, ["original.tax_point", "original.rate"]),
        (CORRECTION | {"original": ORIGINAL | {"is_rate_wrong": True}}, ["original.rate", "original.tax_point"]),
        (CORRECTION | {"kind": "KOR_ZAL"}, ["P_15ZK"]),
        (CORRECTION | {"choice": "ecb"}, ["original.choice", "original.rate"]),
        (
            CORRECTION | {"original": ORIGINAL | {"rate": "4.1", "is_rate_wrong": True}, "lines": [line()]},
            ["lines.StanPrzed"],
        ),
    ],
)
def test_what_is_missing_is_422_and_named(client: Client, changes: dict[str, Any], missing: list[str]) -> None:
    told = error(ask(client, **changes), 422)
    assert (told["code"], told["detail"]["missing"]) == ("missing_input", missing)


@walk(
    ("changes", "field"),
    [
        ({"P_1": ""}, "P_1"),
        ({"P_1": "２０２６-08-05"}, "P_1"),
        ({"P_1": "2026-02-30"}, "P_1"),
        ({"P_1": 20260805}, "P_1"),
        ({"kind": "FV"}, "kind"),
        ({"code": "U\0D"}, "code"),
        ({"code": "U" * 33}, "code"),
        ({"code": "\ud800"}, "code"),
        ({"order": "both"}, "order"),
        ({"lines": [line(net="1000,00")]}, "net"),
        ({"lines": [line(net="１００")]}, "net"),
        ({"lines": [line() | {"net": 1000.5}]}, "net"),
        ({"lines": [line(net="1e5")]}, "net"),
        ({"lines": [line(net="9" * 16)]}, "net"),
        ({"lines": [line(vat="19")]}, "vat"),
        ({"lines": [line(no=0)]}, "no"),
        ({"lines": [line() | {"no": True}]}, "no"),
        ({"lines": [line(StanPrzed=2)]}, "StanPrzed"),
        ({"lines": [line(bogus="1")]}, "bogus"),
        ({"lines": [line(no) for no in range(1, 502)]}, "lines"),
        ({"bogus": "1"}, "bogus"),
        (CORRECTION | {"original": ORIGINAL | {"rate": "0"}}, "rate"),
        (CORRECTION | {"OkresFaKorygowanej": "x" * 257}, "OkresFaKorygowanej"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_422_and_named(client: Client, changes: dict[str, Any], field: str) -> None:
    told = error(ask(client, **changes), 422)
    assert field in [fault["field"] for fault in told["detail"]]


@walk(
    ("changes", "status", "code"),
    [
        ({"code": "XYQ"}, 404, "unknown_code"),
        ({"P_1": "2001-08-05", "period_end": None}, 422, "rule_not_in_force"),
        ({"P_1": "2009-08-05", "period_end": None}, 422, "no_rate_before"),
        (CORRECTION | {"P_1": "2023-06-30", "original": {"P_1": "2023-01-02", "tax_point": "2023-01-02"}}, 422,
         "rule_not_in_force"),
    ],
)  # fmt: skip
def test_a_line_without_a_rate_refuses_the_invoice(
    client: Client, changes: dict[str, Any], status: int, code: str
) -> None:
    assert error(ask(client, **changes), status)["code"] == code


def test_an_invoice_of_tomorrow_is_not_final(client: Client, nbp: Source, job: Job) -> None:
    publish(official("208/A/NBP/2026 2026-10-26 USD=3.9000"), nbp, job)
    told = rated(client, P_1="2026-10-28", period_end=None)
    assert told["final"] is False
    assert told["lines"][0]["answer"]["why_not_final"]


def test_ten_megabytes_are_413(client: Client) -> None:
    assert error(ask(client, code="x" * 10_000_000), 413)["code"] == "too_large"
