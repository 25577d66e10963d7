"""What docs/technical.md says of every operation of the API: a new one is asked for without a line here.

An operation that shows nothing with the parameters of its documentation needs a row in `filled`.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from charon.api.addresses import FIRST_PARTS, NAMES, names_one_thing
from markets.history_files import place
from markets.models import Gap, Instrument, Job, Source
from markets.records import Bar, RateRecord, Table
from markets.store.outbox import midnight
from markets.store.prices import save_bars, save_prices
from markets.store.publish import publish
from miner import sources
from signals.tasks import catch_up
from tests.alert_rows import alert_event, alert_rule, channel, message, silence
from tests.manual_rates import override
from tests.market import bar, decision, price, source
from tests.operations import Operation, cache_rules, document, exceptions, gets, operations, resolved, shape, tables
from tests.outcome_rows import outcome
from tests.test_api_errors import error
from tests.test_api_rates import gold_of, table_c
from tests.test_engine import wave

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]

ROOT = "/api/v1"
TOKEN = {"Authorization": "Bearer let-me-in"}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
LAWS = {"lists", "totals", "numbers"}
LAST_DAY = date(2026, 10, 26)
# Seconds that something took: no amount of money, and not exact.
DURATION = "_seconds"


@pytest.fixture(autouse=True)
def filled(at: Callable[[str], None], settings: Any, nbp: Source, job: Job, tmp_path: Path) -> None:
    """Something to see at every address, each with the parameters that the documentation shows."""
    settings.API_TOKEN = "let-me-in"
    at("2026-10-26 12:00")
    gold = [gold_of(LAST_DAY - timedelta(days=back), "595.71") for back in range(3)]
    publish([*daily("USD", 4), *gold, table_c(LAST_DAY, "USD", "3.9010", "3.9800")], nbp, job)
    publish([Table("A", date(2019, 1, 2), [RateRecord("USD", mid=Decimal("3.7619"))])], nbp, job)
    settings.HISTORY_DIR = str(tmp_path)
    file = tmp_path / place.FOLDER / place.PARQUET
    file.parent.mkdir(parents=True)
    file.write_bytes(b"PAR1")
    sources.sync()
    market = source("coingecko", ["BTC", "ETH"], enabled=True)
    save_prices([price("67301.00", 6), price("67321.50", 1, change="-1.4093"), price("1900", 1, "ethereum")], market)
    save_bars([hour(9), hour(10)], source("binance", ["BTCUSDT"], enabled=True))
    started = job.started_at
    Job.objects.create(job_type="nbp.A", source=nbp, status="failed", started_at=started, finished_at=started,
                       notes=["refused: x"], reached=LAST_DAY, error="Unreachable")  # fmt: skip
    decision()
    override()
    override(pk=6, table="B")
    outcome(Instrument.objects.get(code="USD"))
    outcome(None)
    for day in (LAST_DAY - timedelta(days=40), LAST_DAY - timedelta(days=80)):
        Gap.objects.create(source=nbp, table="C", from_time=midnight(day), to_time=midnight(day), reason="failed")
    for number, name in ((10, "one"), (11, "two")):
        rule = alert_rule(name=name)
        alert_event(rule, id=number, key=name)
    told = alert_event(id=12, key="told")
    for name in ("day", "night"):
        message(channel(name), event=told, step="fired")
        silence()


@pytest.fixture
def decided(nbp: Source, job: Job) -> None:
    """Enough bars for a decision."""
    publish(daily("EUR", 300), nbp, job)
    Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)
    catch_up()


def daily(code: str, count: int) -> list[Table]:
    """So many tables, the last one of today."""
    rows = enumerate(value for _, value in wave(count))
    return [Table("A", LAST_DAY - timedelta(days=back), [RateRecord(code, mid=value)]) for back, value in rows]


def hour(number: int) -> Bar:
    return bar(f"2026-10-26 {number:02}:00")


def ask(client: Client, one: Operation, address: str = "", **asked: Any) -> Any:
    """As whoever may."""
    headers = asked.pop("headers", {}) | (TOKEN if one.closed else {})
    return client.get(address or one.address, one.needed | asked, headers=headers)


def spellings(path: str) -> list[str]:
    return [f"{before}{path}{after}" for before in ("", "/api", ROOT) for after in ("", "/")]


def broken(law: Callable[[Operation], object], among: list[Operation]) -> dict[str, object]:
    """The operations that break the law, and how."""
    return {one.name: found for one in among if (found := law(one))}


def test_the_exceptions_and_the_rules_are_of_operations_that_there_are() -> None:
    known = {one.path for one in operations()}
    assert {address for law in LAWS for address in exceptions(law)} <= known
    assert {row[0] for row in tables()[0]} == LAWS
    assert set(cache_rules()) == {one.path for one in gets()}


def test_the_description_of_the_api_names_every_exception_and_how_long_answers_are_kept() -> None:
    text = document()["info"]["description"]
    assert all(f"`{address}`" in text for law in LAWS for address in exceptions(law))
    ages = {"max-age=60": "for a minute", "max-age=15": "for 15 s", "max-age=5": "for 5 s"}
    kept = {re.split("[ ,]+", rule)[1] for rule in cache_rules().values() if rule.startswith("public")}
    assert kept == ages.keys()
    assert all(words in text for words in ages.values())


# Addresses


@pytest.mark.slow
def test_every_address_answers_alike_however_it_is_spelt(client: Client) -> None:
    def law(one: Operation) -> object:
        answers = [ask(client, one, address) for address in spellings(one.address)]
        told = {(answer.status_code, answer.content, answer.get("ETag")) for answer in answers}
        return told if len(told) > 1 or answers[0].status_code != 200 else None

    assert not broken(law, gets())


@pytest.mark.slow
def test_every_get_is_answered_to_head_with_the_same_headers_and_no_body(client: Client) -> None:
    def law(one: Operation) -> object:
        full = ask(client, one)
        for address in spellings(one.address):
            head = client.head(address, one.needed, headers=TOKEN if one.closed else {})
            told = {name: (full.get(name), head.get(name)) for name in full.headers if name != "X-Request-ID"}
            if (head.status_code, head.content) != (200, b"") or any(a != b for a, b in told.values()):
                return told
        return None

    assert not broken(law, gets())


@pytest.mark.slow
def test_what_is_unknown_below_a_name_of_the_api_is_404_in_the_envelope(client: Client) -> None:
    folders = {f"/{part}" for part in FIRST_PARTS} | {one.address for one in operations()}
    unknown = [f"{folder}{rest}" for folder in folders for rest in ("/none", "/none/such/", "/none.json")]
    for address in [*unknown, ROOT, f"{ROOT}/none", "/api/v2/rates"]:
        if names_one_thing(address.strip("/")):  # its GET is what is missing
            assert error(client.get(address), 405)["code"] == "method_not_allowed"
        elif address.strip("/") not in NAMES:
            assert error(client.get(address), 404)["code"] == "not_found", address
            assert error(client.post(address), 404)["code"] == "not_found", address


@pytest.mark.parametrize("address", ["/none", "/ratesx/none", "/waluty/none/such/", "/miner/none/", "/static/rates"])
def test_what_is_unknown_elsewhere_is_a_page(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


# Errors


@pytest.mark.slow
def test_a_parameter_that_is_unknown_comes_twice_or_is_missing_is_422_and_named(client: Client) -> None:
    def law(one: Operation) -> object:
        headers = TOKEN if one.closed else {}
        asked = [
            ({**one.needed, "bogus": "1"}, "bogus"),
            *(({**one.needed, name: ["1", "2"]}, name) for name in one.parameters),
        ]
        asked += [
            ({key: value for key, value in one.needed.items() if key != name}, name)
            for name, row in one.parameters.items()
            if row["required"]
        ]
        return [name for query, name in asked if not refused(client.get(one.address, query, headers=headers), name)]

    assert not broken(law, gets())


@pytest.mark.slow
def test_a_parameter_of_the_wrong_type_is_422_and_named(client: Client) -> None:
    def law(one: Operation) -> object:
        values = [(name, text) for name, row in one.parameters.items() for text in wrong(row["schema"])]
        return [(name, text) for name, text in values if not refused(ask(client, one, **{name: text}), name)]

    assert not broken(law, gets())


def wrong(schema: dict[str, Any]) -> Iterator[str]:
    """Values that a parameter does not take; each has at least one."""
    kind = schema.get("anyOf", [schema])[0]
    if kind["type"] == "integer":
        yield from ("x", "1.5", "", str(kind["minimum"] - 1), str(kind["maximum"] + 1), "9" * 5000)
    elif kind["type"] == "boolean":
        yield from ("x", "2", "")
    elif "enum" in kind:
        yield from (f"{kind['enum'][0]}x", "")
    elif "format" in kind:
        yield from ("yesterday", "2026-02-30", "1700000000", "")
    else:
        yield "x" * (kind["maxLength"] + 1)


def refused(response: Any, name: str) -> bool:
    return name in [finding["field"] for finding in error(response, 422)["detail"]]


@pytest.mark.slow
def test_a_field_of_a_body_that_is_unknown_or_of_the_wrong_type_is_422_and_named(client: Client) -> None:
    def law(one: Operation) -> object:
        fields = list(shape(one.described["requestBody"]["content"]["application/json"]["schema"]))
        found = []
        for name, value in [("bogus", "1"), *((field, [[]]) for field in fields)]:
            body = json.dumps({name: value})
            response = client.generic(one.method, one.address, body, content_type="application/json", headers=TOKEN)
            found += [] if refused(response, name) else [name]
        return found

    assert not broken(law, [one for one in operations() if "requestBody" in one.described])


@pytest.mark.slow
def test_another_method_is_405_and_what_is_for_operators_is_401(client: Client) -> None:
    for path in {one.path: one.address for one in operations()}.values():
        there = {one.method: one for one in operations() if one.address == path}
        for method in METHODS:
            for address in spellings(path):
                assert client.options(address).status_code == 204
                response = client.generic(method, address)
                if method not in there:
                    assert error(response, 405)["detail"] == {"allowed": sorted(there)}
                    assert sorted(response.headers["Allow"].split(", ")) == sorted(there)
                elif there[method].closed:
                    assert error(response, 401)["code"] == "unauthorized"


def test_whatever_changes_something_is_for_operators() -> None:
    """A preview and the questions of tax have a body and change nothing."""
    open_ones = {"POST /alerts/preview", "POST /tax-rate", "POST /tax-rate/invoice"}
    assert {one.name for one in operations() if one.method != "GET" and not one.closed} == open_ones


# Lists, totals and numbers


@pytest.mark.slow
def test_every_list_has_items_and_their_count(client: Client) -> None:
    def law(one: Operation) -> object:
        sent, fields = ask(client, one).json(), shape(one.schema)
        if one.path in exceptions("lists"):
            return "items" in sent and "is no exception"
        items, count = sent["items"], sent["count"]
        return not (isinstance(items, list) and len(items) <= count and {"items", "count"} <= set(fields)) and sent

    assert not broken(law, gets(lists=True))
    bare = {one.path for one in gets() if one.schema.get("type") == "array"}
    assert bare == {"/prices", "/assets", "/alerts"}
    assert bare < exceptions("lists")


@pytest.mark.slow
@pytest.mark.usefixtures("decided")
def test_the_total_is_that_of_all_whatever_is_sent(client: Client) -> None:
    def law(one: Operation) -> object:
        all_of_it = total(ask(client, one))
        pages: list[dict[str, Any]] = [{"limit": 1}, {"limit": 1, "offset": 1}]
        told = [total(ask(client, one, **page)) for page in pages if set(page) <= set(one.parameters)]
        return (all_of_it, told) if all_of_it < 2 or set(told) - {all_of_it} else None

    assert not broken(law, [one for one in gets(lists=True) if one.path not in exceptions("totals")])


def total(answer: Any) -> int:
    sent = answer.json()
    return int(answer.headers["X-Total-Count"]) if isinstance(sent, list) else sent["count"]


def test_no_schema_has_a_number_that_is_an_amount() -> None:
    def law(one: Operation) -> object:
        return [name for name in numbers(one.schema) if not name.endswith(DURATION)]

    assert broken(law, gets()) == {f"GET {path}": ["histogram"] for path in exceptions("numbers")}


def numbers(schema: dict[str, Any], name: str = "") -> Iterator[str]:
    """The names of the fields that are JSON numbers with decimals."""
    schema = resolved(schema)
    if schema.get("type") == "number":
        yield name
    for field, inner in schema.get("properties", {}).items():
        yield from numbers(inner, field)
    for inner in [*schema.get("anyOf", []), schema.get("items"), schema.get("additionalProperties")]:
        if isinstance(inner, dict):
            yield from numbers(inner, name)


@pytest.mark.slow
@pytest.mark.usefixtures("decided")
def test_every_answer_keeps_its_schema_and_has_no_other_number(client: Client) -> None:
    """Rows bypass the schemas: what a schema reads and writes again must be what was sent, field by field."""

    def law(one: Operation) -> object:
        sent = ask(client, one).json()
        if not (sent.get("items", sent) if isinstance(sent, dict) else sent) and not one.closed:
            return "an empty answer shows nothing"
        if one.model.model_validate({"response": sent}).model_dump(mode="json", by_alias=True)["response"] != sent:
            return sent
        return sorted(name for name in floats(sent) if not name.endswith(DURATION))

    assert broken(law, gets()) == {f"GET {path}": ["histogram"] for path in exceptions("numbers")}


def floats(value: Any, name: str = "") -> set[str]:
    if isinstance(value, dict):
        return set().union(*(floats(inner, key) for key, inner in value.items()))
    if isinstance(value, list):
        return set().union(*(floats(inner, name) for inner in value))
    return {name} if isinstance(value, float) else set()


def test_bids_and_asks_keep_the_schema_of_rates(client: Client) -> None:
    (rates,) = (one for one in gets() if one.path == "/rates")
    sent = ask(client, rates, table="C").json()
    assert (sent["items"][0]["bid"], sent["items"][0]["mid"]) == ("3.9010", None)
    assert rates.model.model_validate({"response": sent}).model_dump(mode="json")["response"] == sent


# Caches


@pytest.mark.slow
def test_a_public_answer_has_its_rule_and_a_tag_that_is_answered_with_304(client: Client) -> None:
    def law(one: Operation) -> object:
        for address in spellings(one.address):
            first = ask(client, one, address)
            tag, rule = first.get("ETag", ""), first.headers["Cache-Control"]
            if rule != cache_rules()[one.path] or bool(tag) != ("max-age" in rule or rule == "no-cache"):
                return rule, tag
            again = ask(client, one, address, headers={"If-None-Match": tag}) if tag else None
            if again and (again.status_code, again.content, again["ETag"], again["Cache-Control"]) != (
                304,
                b"",
                tag,
                rule,
            ):
                return again.status_code, dict(again.headers)
        return None

    assert not broken(law, gets())


@pytest.mark.slow
@pytest.mark.parametrize("by_session", [False, True])
def test_an_operators_answer_is_private_and_has_no_tag(client: Client, by_session: bool) -> None:
    if by_session:
        client.force_login(User.objects.create_superuser("operator"))

    def law(one: Operation) -> object:
        answer = client.get(one.address, one.needed, headers={} if by_session else TOKEN)
        kept = "no-store" not in answer.headers["Cache-Control"] or "ETag" in answer.headers
        open_to_all = cache_rules()[one.path] == "no-store"
        told = {"Authorization", "Cookie"} <= set(re.findall(r"[\w-]+", answer.get("Vary", "")))
        return dict(answer.headers) if kept or not (open_to_all or told) else None

    assert not broken(law, gets())


@pytest.mark.slow
def test_no_answer_differs_by_the_language_of_a_page(client: Client) -> None:
    def law(one: Operation) -> object:
        answers = [ask(client, one, headers={"Accept-Language": language}) for language in ("pl", "en")]
        varies = "Accept-Language" in answers[0].get("Vary", "") or "Content-Language" in answers[0].headers
        return varies or answers[0].content != answers[1].content

    assert not broken(law, gets())


def test_a_new_price_is_answered_at_once_and_has_another_tag(client: Client) -> None:
    before = {
        path: client.get(path)
        for path in ("/prices?asset=BTC", "/prices/latest", "/assets", "/prices/summary?asset=BTC")
    }
    save_prices([price("70000", 0)], Source.objects.get(code="coingecko"))
    for path, old in before.items():
        new = client.get(path, headers={"If-None-Match": old.headers["ETag"]})
        assert (new.status_code, "70000" in new.content.decode()) == (200, True), path


def test_a_total_that_changes_is_no_304(client: Client) -> None:
    """The newest price is the same, an older one was added: only `X-Total-Count` tells."""
    old = client.get("/prices?asset=BTC&limit=1")
    save_prices([price("67000", 30)], Source.objects.get(code="coingecko"))
    new = client.get("/prices?asset=BTC&limit=1", headers={"If-None-Match": old.headers["ETag"]})
    assert (new.status_code, new.content) == (200, old.content)
    assert (old.headers["X-Total-Count"], new.headers["X-Total-Count"]) == ("2", "3")
