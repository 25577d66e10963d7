"""What a client sends wrongly is its own mistake: bodies, numbers, days; and names lose what nobody sees."""

import importlib
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.http import UnreadablePostError
from django.test import Client

from charon.api.errors import WORDS
from markets.instruments import create, names
from markets.instruments.names import printable
from markets.models import Instrument, Job, ListedAsset, Source
from markets.records import Listed, RateRecord, Table
from markets.store import assets, listed_assets
from markets.store.publish import publish
from tests.cases import walk
from tests.market import source
from tests.operations import Operation, document, operations
from tests.test_api_errors import error

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_redis")]

TOKEN = {"Authorization": "Bearer an-operator-s-program"}
HUGE = 3_000_000
WITH_BODY = [one for one in operations() if "requestBody" in one.described]
WITHOUT_BODY = [one for one in operations() if one.method != "GET" and one not in WITH_BODY]
# Written by Python, by a calculator, by other alphabets, or not at all.
NO_NUMBERS = ["1_000", "+5", " 5", "5 ", "\u0665", "\uff15", "1e3", "5.0", "0x5", "", "five", "--5", "5,0", "\u22125"]
NO_DAYS = [
    "2025-1-2", "20250102", "2025-01-02 ", "+2025-01-02", "2025-W01-1", "2025-002", "1735776000", "2025-02-30",
    "\u0662\u0660\u0662\u0665-01-02", "2025/01/02", "02.01.2025", "2025-01-02x12:00", "2025-01-02T12",
    "2025-01-02T1200",
]  # fmt: skip
UNSEEN = "\u202eniocti\u202cB \x00\x07\x1b\x7f\u200b\u2066\u2069\ufeff\u2028\ud800"


@pytest.fixture(autouse=True)
def token(settings: Any) -> None:
    settings.API_TOKEN = "an-operator-s-program"


def send(client: Client, one: Operation, body: Any, path: str = "") -> Any:
    return client.generic(one.method, path or one.address, body, content_type="application/json", headers=TOKEN)


# Bodies


@pytest.mark.slow
@walk("one", WITH_BODY, ids=lambda one: one.name)
def test_a_body_of_3_megabytes_is_413_in_the_envelope(client: Client, one: Operation) -> None:
    for path in (one.address, f"/api{one.address}/", f"/api/v1{one.address}"):
        told = error(send(client, one, b'{"code": "' + b"x" * HUGE + b'"}', path), 413)
        assert (told["code"], told["message"]) == ("too_large", WORDS[413])


def test_a_form_of_3_megabytes_is_a_calm_page_with_413(client: Client) -> None:
    client.force_login(User.objects.create_superuser("operator"))
    for path in ("/admin/login/", "/admin/markets/apitoken/add/"):
        page = client.post(path, f"name={'x' * HUGE}", content_type="application/x-www-form-urlencoded")
        assert page.status_code == 413
        assert "Za duży formularz" in page.content.decode()
        assert page.headers["X-Request-ID"] in page.content.decode()


def test_a_form_that_cannot_be_read_is_a_calm_page_with_400(client: Client) -> None:
    fields = "&".join(f"field{number}=1" for number in range(2000))
    page = client.post("/admin/login/", fields, content_type="application/x-www-form-urlencoded")
    assert page.status_code == 400
    assert "Nie udało się odczytać" in page.content.decode()


BROKEN = [b"{", b"nonsense", b"[" * 5000, b"\xff\xfe", b'{"code": "x"', b"{'code': 'x'}"]


@walk("body", BROKEN)
@walk("one", WITH_BODY, ids=lambda one: one.name)
def test_broken_json_is_400_in_the_envelope(client: Client, one: Operation, body: bytes) -> None:
    assert error(send(client, one, body), 400)["code"] == "bad_request"


@pytest.mark.slow
@walk("body", [b"", b"null", b"[]", b'"x"', b"5", b"true", b'{"no": 1}', b'{"code": "\\ud800"}'])
@walk("one", WITH_BODY, ids=lambda one: one.name)
def test_json_of_another_shape_is_422_in_words_of_the_api(client: Client, one: Operation, body: bytes) -> None:
    told = error(send(client, one, body), 422)
    fields = {*resolved_fields(one), "body", "code", "no"}
    assert {fault["field"] for fault in told["detail"]} <= fields, "no name of the code"
    assert not re.search(r"\b(new|dict|dictionary|None|str|model)\b", str(told))


def resolved_fields(one: Operation) -> list[str]:
    schema = one.described["requestBody"]["content"]["application/json"]["schema"]
    return list(document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"])


@walk("body", [b'{"symbols": ["BTC"]}', b"[]", b"null", b"nonsense", b"a=1", b"\xff"])
@walk("one", WITHOUT_BODY, ids=lambda one: one.name)
def test_a_body_that_nobody_reads_is_422(client: Client, one: Operation, body: bytes) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        answer = client.generic(one.method, one.address, body, content_type=kind, headers=TOKEN)
        assert error(answer, 422)["detail"] == [{"field": "body", "message": "takes no body"}]


@walk("body", [b"", b"{}", b" { }\n", b"--boundary--\r\n"])
@walk("one", WITHOUT_BODY, ids=lambda one: one.name)
def test_a_body_that_says_nothing_is_none(client: Client, one: Operation, body: bytes) -> None:
    answer = client.generic(one.method, one.address, body, content_type="application/json", headers=TOKEN)
    assert answer.status_code in {202, 404}  # a batch begins; there is no such asset


def test_a_body_that_never_came_is_the_clients_mistake(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(self: Any, *args: Any) -> bytes:
        raise UnreadablePostError("the client went away")

    monkeypatch.setattr("django.test.client.FakePayload.read", gone)
    answer = client.post("/assets", b'{"symbol": "BTC"}', content_type="application/json", headers=TOKEN)
    assert error(answer, 400)["code"] == "bad_request"


@walk("one", operations(), ids=lambda one: one.name)
def test_every_operation_documents_what_any_may_answer(one: Operation) -> None:
    documented = {int(status) for status in one.described["responses"]}
    assert {400, 401, 406, 413, 422, 500, 503} <= documented
    assert ({403, 429} if one.closed else set()) <= documented


# Numbers and days


def asked_by(kind: str) -> list[tuple[Operation, str]]:
    """Every query parameter of that kind, as the documentation has it."""
    found = []
    for one in operations():
        for name, row in one.parameters.items():
            shapes = [row["schema"], *row["schema"].get("anyOf", [])]
            if any(kind in {shape.get("type"), shape.get("format")} for shape in shapes):
                found.append((one, name))
    return found


def refused(client: Client, one: Operation, name: str, value: str) -> Any:
    headers = TOKEN if one.closed else {}
    told = error(client.get(one.address, one.needed | {name: value}, headers=headers), 422)
    (fault,) = told["detail"]
    assert (fault["field"], fault["value"]) == (name, value)
    return fault["message"]


@pytest.mark.slow
@walk("value", NO_NUMBERS)
def test_what_is_no_number_is_none_at_every_parameter(client: Client, value: str) -> None:
    numbers = asked_by("integer")
    assert len(numbers) > 10
    for one, name in numbers:
        assert refused(client, one, name, value) == "is not a whole number", (one.name, name)


@pytest.mark.slow
@walk("value", NO_DAYS)
def test_what_is_no_day_is_none_at_every_parameter(client: Client, value: str) -> None:
    days = asked_by("date") + asked_by("date-time")
    assert len(days) > 5
    for one, name in days:
        assert re.search("not a (date|moment)|no such day", refused(client, one, name, value)), (one.name, name)


def test_digits_are_a_number(client: Client) -> None:
    for value in ("5", "05", "1000"):
        assert client.get("/jobs", {"limit": value}).status_code == 200
    assert "at least 1" in error(client.get("/jobs", {"limit": "-5"}), 422)["detail"][0]["message"]


# Names


def test_a_name_keeps_letters_of_every_alphabet_and_loses_what_nobody_sees() -> None:
    assert printable(UNSEEN) == "nioctiB"
    for name in ("złoty polski", "人民币", "Ξther 2.0 (PoS)", "rupia 🪙"):
        assert printable(name) == name
    assert printable(" a\tb\r\nc  d ") == "a b c d"


def test_names_are_cleaned_where_they_enter_the_store(nbp: Source, job: Job) -> None:
    gecko = source("coingecko", [])
    coin = Listed("evil", "EVIL", "USD", f"Evil {UNSEEN}", names.CRYPTO)
    listed_assets.keep(gecko, [coin])
    assert listed_assets.keep(gecko, [coin]).written == 0, "what is kept is what would be written"
    create.list_at(gecko, [Listed("worse", "WORSE", "USD", f"Worse {UNSEEN}", names.CRYPTO)])
    publish([Table("A", date(2026, 10, 26), [RateRecord("USD", mid=Decimal(4), name=f"dolar{UNSEEN}")])], nbp, job)
    followed = assets.follow("EVIL", f"Named {UNSEEN}")
    assert followed
    stored = [*Instrument.objects.values_list("name_pl", "name_en"), *ListedAsset.objects.values_list("name")]
    found = {name for row in stored for name in row}
    assert {"dolarnioctiB", "Evil nioctiB", "Worse nioctiB", "Named nioctiB"} <= found
    assert not [name for name in found if printable(name) != name]


def test_a_name_of_nothing_but_unseen_characters_is_none(nbp: Source) -> None:
    create.list_at(source("coingecko", []), [Listed("x", "XYZ", "USD", "\u202e\u200b", names.CRYPTO)])
    assert Instrument.objects.get(code="XYZUSD").name_en == "XYZ"


def test_names_that_are_stored_already_are_cleaned_by_the_migration(nbp: Source) -> None:
    migration = importlib.import_module("markets.migrations.0017_printable_names")
    Instrument.objects.create(code="AAA", base="AAA", kind="crypto", name_pl="A\u202eb", name_en="\u200b")
    Instrument.objects.create(code="BBB", base="BBB", kind="crypto", name_pl="Żółw", name_en="Turtle")
    migration.clean(apps, None)
    assert Instrument.objects.filter(code="AAA").values_list("name_pl", "name_en").get() == ("Ab", "AAA")
    assert Instrument.objects.filter(code="BBB").values_list("name_pl", "name_en").get() == ("Żółw", "Turtle")
