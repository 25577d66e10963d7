"""Every operation of the API answers with every status that its documentation names, and with nothing else.

What any operation may answer is provoked in the same way everywhere; `OWN` has what is an operation's own. A status
that is documented and has no way here fails the law at the end.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from ninja import Schema

from charon.api import examples
from charon.api.app import api
from charon.serving import bodies
from markets import api_tokens
from markets.models import IdempotentAnswer, Listing, Rate, Source
from markets.store import idempotent_answers
from signals.alerts.models import AlertRule
from tests.alert_rows import alert_rule, silence
from tests.cases import walk
from tests.front_fakes import Proto, Scope
from tests.operations import Operation, document, gets, operations, shape
from tests.test_api_laws import TOKEN, ask, filled  # noqa: F401  the fixture fills an installation for every GET
from tests.test_front import Echo, asked
from tests.test_no_network import BODIES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]

NAMED = {one.described["operationId"]: one for one in operations()}
# Each status of what writes, with what is asked for it; the order matters to no other line.
DONE: list[tuple[int, str, str | None]] = [
    (202, "asset_add", None),
    (201, "asset_add", '{"symbol": "BTC"}'),
    (204, "asset_remove", None),
    (201, "source_register", None),
    (202, "batch_run", ""),
    (201, "alert_rule_add", None),
    (200, "alert_rule_change", None),
    (204, "alert_rule_remove", None),
    (200, "alert_preview", None),
    (200, "alert_acknowledge", ""),
    (200, "alert_defaults_set", None),
    (201, "alert_silence_add", None),
    (204, "alert_silence_end", ""),
    (201, "override_add", None),
    (204, "override_withdraw", ""),
    (200, "gaps_heal", None),
    (202, "gaps_heal", '{"source": "nbp", "table": "C"}'),
    (200, "tax_rates", None),
    (200, "tax_invoice", None),
]
# What the front answers in place of a 202, once the work is done: shown in test_batch_api.py and test_assets_api.py.
IN_THE_END = {(200, "batch_run"), (404, "asset_add"), (404, "history_parquet")}
CONTRADICTING: list[tuple[str, str | None]] = [
    ("asset_add", '{"symbol": "BTC", "aliases": ["BITCOIN-CORE"]}'),
    ("source_register", '{"code": "nbp"}'),
    ("alert_rule_change", None),
    ("alert_rule_remove", None),
    (
        "override_add",
        '{"code": "USD", "table": "A", "effective_date": "2026-10-23", "mid": "3.9350", "reason": "Misprint"}',
    ),
]
# Of an invoice, one that needs a rate.
TAXED = [{"no": 1, "net": "1", "vat": "23"}]
PACKAGES = {"charon", "markets", "miner", "signals"}
UNKNOWN, NOBODY = "ZZQQ", 999_999_999


def routed() -> list[Any]:
    """ninja's operations, as the addresses lead to them; one may stand at two."""
    views = [
        cell.cell_contents for pattern in api.urls[0] for cell in getattr(pattern.callback, "__closure__", None) or ()
    ]
    return [found for view in views for found in getattr(view, "operations", [])]


@pytest.fixture(autouse=True)
def unlimited(settings: Any) -> None:
    settings.LIMIT_READS = settings.LIMIT_HEAVY = settings.LIMIT_WRITES = 100_000


def send(client: Client, one: Operation, body: Any = None, path: str = "", **headers: str) -> Any:
    """As the documentation shows it, by whoever may; with its body of BODIES unless another one is given."""
    kind = headers.pop("kind", "application/json" if "requestBody" in one.described else "")
    told = (TOKEN if one.closed else {}) | {name.replace("_", "-"): value for name, value in headers.items()}
    if one.method == "GET":
        return client.get(path or one.address, {} if path else one.needed, headers=told)
    text = json.dumps(BODIES.get(one.described["operationId"], {})) if body is None else body
    return client.generic(one.method, path or one.address, text, content_type=kind, headers=told)


def answered(law: Callable[[Operation], int], status: int, among: list[Operation] | None = None) -> None:
    """Every operation that documents the status answers with it, and none of the others is asked."""
    chosen = [one for one in (among or operations()) if documents(one, status)]
    assert chosen
    assert "\n".join(f"{one.name} {found}" for one in chosen if (found := law(one)) != status) == ""


def status_of(response: Any) -> int:
    return int(response.status_code)


def documents(one: Operation, status: int) -> bool:
    return status in {int(code) for code in one.described["responses"]}


# What any operation may answer


@pytest.mark.slow
def test_400_for_more_parameters_than_anybody_has(client: Client) -> None:
    many = "&".join(f"field{number}=1" for number in range(2000))

    def law(one: Operation) -> int:
        headers = TOKEN if one.closed else {}
        return status_of(client.generic(one.method, f"{one.address}?{many}", headers=headers))

    answered(law, 400)


@pytest.mark.slow
def test_401_for_a_token_that_is_none(client: Client) -> None:
    answered(lambda one: send(client, one, Authorization="Bearer guess").status_code, 401)


@pytest.mark.slow
def test_403_for_a_token_without_the_right_and_for_a_source_that_is_not_public(client: Client) -> None:
    _, token = api_tokens.create("reads", ["read"])
    closed = [one for one in operations() if one.closed]
    answered(lambda one: send(client, one, Authorization=f"Bearer {token}").status_code, 403, closed)
    Source.objects.update(public_api=False)
    rate = Rate.objects.values_list("pk", flat=True)[0]

    def law(one: Operation) -> int:
        named = {"source": source_of(one)} if "source" in one.parameters else {}
        named |= {"pair": "eur-pln"} if "pair" in one.parameters else {}
        place = f"/provenance/rate/{rate}" if one.path.startswith("/provenance/{") else one.address
        return status_of(client.get(place, one.needed | named))

    answered(law, 403, [one for one in gets() if not one.closed])


def source_of(one: Operation) -> str:
    return {"/candles": "binance"}.get(one.path, "coingecko" if one.path.startswith("/prices") else "nbp")


@pytest.mark.slow
def test_406_for_whoever_takes_nothing_that_there_is(client: Client) -> None:
    answered(lambda one: send(client, one, Accept="application/x-nothing").status_code, 406)


@pytest.mark.slow
def test_408_411_and_413_for_bodies_are_the_fronts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.0)

    def law(one: Operation, *pairs: tuple[str, str]) -> int:
        return asked(Scope(f"/api/v1{one.address}", one.method, list(pairs)), Proto(None), Echo()).status

    answered(lambda one: law(one, ("content-length", "9")), 408)
    answered(lambda one: law(one, ("content-length", "30000000")), 413)


def test_415_for_a_body_of_another_type(client: Client) -> None:
    def law(one: Operation) -> int:
        return status_of(send(client, one, "x", kind="application/x-nothing"))

    answered(law, 415)


@pytest.mark.slow
def test_422_for_a_parameter_that_there_is_not(client: Client) -> None:
    def law(one: Operation) -> int:
        headers = TOKEN if one.closed else {}
        return status_of(client.generic(one.method, f"{one.address}?unknown=1", headers=headers))

    answered(law, 422)


@pytest.mark.slow
def test_429_beyond_a_limit(client: Client, settings: Any) -> None:
    settings.LIMIT_READS = settings.LIMIT_HEAVY = settings.LIMIT_WRITES = 1

    def law(one: Operation) -> int:
        return max(status_of(send(client, one)) for _ in range(3))

    answered(law, 429)


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "status"), [(RuntimeError("ours"), 500), (OperationalError("away"), 503)])
def test_500_for_a_fault_of_ours_and_503_for_the_databases(
    client: Client, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int
) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise fault

    for found in routed():
        monkeypatch.setattr(found, "view_func", fails)
    answered(lambda one: send(client, one).status_code, status)


# What a reader is answered


@pytest.mark.slow
def test_200_and_304_for_what_is_there(client: Client) -> None:
    def again(one: Operation) -> int:
        first = ask(client, one)
        assert first.status_code == 200, one.name
        return status_of(ask(client, one, headers={"If-None-Match": first.headers["ETag"]}))

    answered(lambda one: ask(client, one).status_code, 200, gets())
    answered(again, 304)


@pytest.mark.slow
def test_404_for_what_there_is_not(client: Client) -> None:
    def law(one: Operation) -> int:
        if "{" in one.path:
            return status_of(send(client, one, path=re.sub(r"\{(\w+)\}", nobody, one.path)))
        names = ("asset", "symbol", "code", "pair", "source", "from")
        if one.method != "GET":
            body = BODIES.get(one.described["operationId"], {}) | {"lines": TAXED}
            known = body_fields(one)
            body = {name: value for name, value in body.items() if name in known}
            name = next(name for name in names if name in known)
            return status_of(send(client, one, json.dumps(body | {name: UNKNOWN})))
        name = next(name for name in names if name in one.parameters)
        return status_of(client.get(one.address, one.needed | {name: UNKNOWN}, headers=TOKEN if one.closed else {}))

    answered(law, 404, [one for one in operations() if (404, one.described["operationId"]) not in IN_THE_END])


def body_fields(one: Operation) -> set[str]:
    return set(shape(one.described["requestBody"]["content"]["application/json"]["schema"]))


def nobody(place: re.Match[str]) -> str:
    return UNKNOWN if place[1] == "symbol" else str(NOBODY)


# What a writer is answered


@pytest.mark.slow
@walk(("status", "operation", "body"), DONE, ids=str)
def test_what_is_done_is_answered_with_its_status(
    client: Client, status: int, operation: str, body: str | None
) -> None:
    if operation == "source_register":
        Source.objects.filter(code="ecb").delete()
    alert_rule(id=7)
    silence(id=4711)
    if status == 201 and operation == "asset_add":
        Listing.objects.update(tracked=False)
    assert send(client, NAMED[operation], body).status_code == status


@pytest.mark.slow
def test_every_status_of_something_done_is_shown() -> None:
    told = {(status, operation) for status, operation, _ in DONE}
    writing = {one.described["operationId"]: one for one in operations() if one.method != "GET"}
    found = {
        (status, name) for status in (200, 201, 202, 204) for name, one in writing.items() if documents(one, status)
    }
    assert found - told == {(200, "batch_run")}


@pytest.mark.slow
def test_409_for_what_contradicts_what_is(client: Client) -> None:
    for operation, body in CONTRADICTING:
        AlertRule.objects.all().delete()
        alert_rule(id=7, automatic=True)
        assert send(client, NAMED[operation], body).status_code == 409, operation
    others = [one for one in operations() if documents(one, 409) and one.method != "POST"]
    assert {one.described["operationId"] for one in others} <= {operation for operation, _ in CONTRADICTING}


def test_409_for_a_key_whose_first_request_is_still_worked_on(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotent_answers, "begin", lambda *key: (IdempotentAnswer(request=key[2]), False))
    posts = [one for one in operations() if one.method == "POST" and one.closed]
    answered(lambda one: send(client, one, Idempotency_Key="again").status_code, 409, posts)


def test_every_status_that_is_documented_has_a_test_here() -> None:
    known = {200, 201, 202, 204, 304, 400, 401, 403, 404, 406, 408, 409, 413, 415, 422, 429, 500, 503}
    assert {int(status) for one in operations() for status in one.described["responses"]} == known


# Examples


def test_every_body_has_an_example_and_every_answers_example_keeps_its_schema() -> None:
    for status, content in examples.bodies(document()):
        assert "example" in content or "examples" in content, status
    for one in operations():
        found = one.described["responses"].get(200, {}).get("content", {}).get("application/json", {})
        if one.model is not None and "example" in found:
            one.model.model_validate({"response": found["example"]})


def test_no_two_shapes_share_a_name() -> None:
    """The document of the schema has one place for each name: the later shape would stand for both."""
    named = Counter(one.__name__ for one in set(shapes(Schema)) if one.__module__.split(".")[0] in PACKAGES)
    assert [name for name, count in named.items() if count > 1] == []


def shapes(of: type[Schema]) -> Iterator[type[Schema]]:
    for one in of.__subclasses__():
        yield one
        yield from shapes(one)
