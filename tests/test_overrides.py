"""Figures that operators set: beside what was published, with author and reason, withdrawn and never edited."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from markets import api_tokens
from markets.errors import ConflictError
from markets.instruments import create
from markets.models import Instrument, Job, Override, Rate, Source
from markets.queries.overrides import manual_rates
from markets.store import overrides
from markets.store.publish import publish
from tests.cases import walk
from tests.test_api_errors import error
from tests.test_api_rates import gold_of
from tests.test_known import JAN_2, JAN_3, published
from tests.test_revisions_api import get, mid, usd

pytestmark = pytest.mark.django_db

TOKEN = {"Authorization": "Bearer let-me-in"}
NEW = {"code": "usd/pln", "table": "A", "effective_date": "2024-01-02", "mid": "3.9350", "reason": "Misprint"}


@pytest.fixture(autouse=True)
def rates(nbp: Source, job: Job, at: Callable[[str], None], settings: Any) -> None:
    settings.API_TOKEN = "let-me-in"
    at("2024-01-05 12:00")
    publish([published(JAN_2, USD="3.9432"), gold_of(JAN_2, "262.18")], nbp, job)


def post(client: Client, body: Any, **headers: str) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post("/overrides", text, content_type="application/json", headers=headers or TOKEN)


def test_an_operator_sets_a_figure_and_the_published_one_stays_as_it_is(client: Client) -> None:
    before = Rate.objects.order_by("pk").values()
    kept = list(before), get(client, "/rates", code="USD", **{"from": "2024-01-01", "to": "2024-01-05"})
    response = post(client, NEW)
    assert response.status_code == 201, response.content
    row = response.json()
    assert row == {
        "id": Override.objects.get().pk,
        "code": "USD",
        "table": "A",
        "effective_date": "2024-01-02",
        "mid": "3.9350",
        "bid": None,
        "ask": None,
        "source": "manual",
        "override": {"author": "API_TOKEN", "reason": "Misprint", "at": "2024-01-05T11:00:00Z"},
        "withdrawn_at": None,
        "withdrawn_by": None,
    }
    assert (list(before.all()), get(client, "/rates", code="USD", **{"from": "2024-01-01", "to": "2024-01-05"})) == kept
    assert get(client, "/overrides") == {"items": [row], "count": 1}


def test_it_is_withdrawn_once_and_the_row_says_by_whom(client: Client, at: Callable[[str], None]) -> None:
    pk = post(client, NEW).json()["id"]
    at("2024-01-06 12:00")
    assert client.delete(f"/overrides/{pk}", headers=TOKEN).status_code == 204
    [row] = get(client, "/overrides", standing="false")["items"]
    assert (row["withdrawn_at"], row["withdrawn_by"], row["mid"]) == ("2024-01-06T11:00:00Z", "API_TOKEN", "3.9350")
    assert get(client, "/overrides", standing="true")["count"] == 0
    assert get(client, "/revisions")["items"][0]["withdrawn_at"] == "2024-01-06T11:00:00Z"
    at("2024-01-07 12:00")
    error(client.delete(f"/overrides/{pk}", headers=TOKEN), 404)
    assert get(client, "/overrides")["items"] == [row]


def test_a_second_figure_of_the_same_place_is_refused_until_the_first_is_withdrawn(client: Client) -> None:
    pk = post(client, NEW).json()["id"]
    assert error(post(client, NEW | {"mid": "4"}), 409)["code"] == "conflict"
    assert client.delete(f"/overrides/{pk}", headers=TOKEN).status_code == 204
    assert post(client, NEW | {"mid": "4"}).status_code == 201


def test_the_database_refuses_the_second_of_two_that_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    place = usd(), "A", JAN_2
    overrides.add(*place, mid("3.9350"), "Misprint", "anna")
    monkeypatch.setattr(overrides, "fault", lambda *_: "")
    with pytest.raises(ConflictError):
        overrides.add(*place, mid("3.9360"), "Misprint", "jan")


def test_the_database_refuses_a_figure_that_is_neither_a_mid_nor_two_sides() -> None:
    wrong = {"mid": Decimal(4), "bid": Decimal(4), "ask": Decimal(4), "scale": 0, "author": "anna", "reason": "none"}
    row = Override(instrument=usd(), table="A", effective_date=JAN_2, created_at="2024-01-05T11:00:00Z", **wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


@walk(
    ("change", "status"),
    [
        *(({"code": "USB"}, 404), ({"code": ""}, 422), ({"code": None}, 422), ({"table": "D"}, 422)),
        *(({"mid": "0"}, 400), ({"mid": "-1"}, 422), ({"mid": "1e5"}, 422), ({"mid": "３.9350"}, 422)),
        *(({"mid": 3.935}, 422), ({"mid": "3,9350"}, 422), ({"mid": ""}, 422), ({"mid": "3.93500000001"}, 422)),
        *(({"mid": None}, 400), ({"mid": "1234567890.123456"}, 400), ({"mid": "12345678901"}, 422)),
        *(({"bid": "3"}, 400), ({"table": "C"}, 400), ({"table": "gold"}, 400), ({"code": "XAU"}, 400)),
        *(({"table": "C", "mid": None, "bid": "3"}, 400), ({"table": "C", "mid": None, "bid": "4", "ask": "3"}, 400)),
        *(({"effective_date": "1983-12-31"}, 400), ({"effective_date": "0001-01-01"}, 400)),
        *(({"effective_date": "2024-01-06"}, 400), ({"effective_date": "2024-02-30"}, 422)),
        *(({"effective_date": "２０２４-01-02"}, 422), ({"effective_date": 20240102}, 422)),
        *(({"reason": ""}, 422), ({"reason": "   "}, 400), ({"reason": "x" * 301}, 422), ({"reason": None}, 422)),
        *(({"author": "somebody else"}, 422), ({"id": 1}, 422), ({"code": "U\0"}, 404)),
    ],
)
def test_a_figure_that_means_nothing_is_refused_and_nothing_written(
    client: Client, change: dict[str, Any], status: int
) -> None:
    error(post(client, NEW | change), status)
    assert not Override.objects.exists()


@walk("body", ["", "[]", "null", '"x"', "{", '{"code": "USD"}'])
def test_a_body_that_is_none_is_refused(client: Client, body: str) -> None:
    assert post(client, body).status_code in {400, 422}
    assert not Override.objects.exists()


def test_of_table_c_both_sides_are_set_and_of_gold_the_gram(client: Client) -> None:
    sides = {"table": "C", "mid": None, "bid": "3.9010", "ask": "3.9800"}
    row = post(client, NEW | sides).json()
    assert (row["mid"], row["bid"], row["ask"]) == (None, "3.9010", "3.9800")
    assert post(client, NEW | {"code": "gold", "table": "gold", "mid": "262.10"}).json()["mid"] == "262.10"


def test_a_coin_has_no_official_figure(client: Client) -> None:
    coin = create.find_or_create({"EUR"}, "currency")[0]["EUR"]
    Instrument.objects.filter(pk=coin.pk).update(kind="crypto")
    error(post(client, NEW | {"code": "EUR"}), 400)


def test_control_characters_do_not_get_into_a_reason(client: Client) -> None:
    assert post(client, NEW | {"reason": "Mis\u202eprint\n of the NBP\0"}).json()["override"]["reason"] == (
        "Misprint of the NBP"
    )


@walk(("scopes", "status"), [(["read"], 403), (["write"], 403), (["operator"], 201)])
def test_only_operators_set_figures(client: Client, scopes: list[str], status: int) -> None:
    row, token = api_tokens.create("accounts", scopes)
    response = post(client, NEW, Authorization=f"Bearer {token}")
    assert response.status_code == status
    if status == 201:
        assert response.json()["override"]["author"] == f"token {row.pk}"


def test_the_public_neither_sets_nor_withdraws(client: Client) -> None:
    row = overrides.add(usd(), "A", JAN_2, mid("3.9350"), "Misprint", "anna")
    error(client.post("/overrides", json.dumps(NEW), content_type="application/json"), 401)
    error(client.delete(f"/overrides/{row.pk}"), 401)
    row.refresh_from_db()
    assert row.withdrawn_at is None


@walk("number", ["0", "-1", "1_0", "１", "x", str(2**63), "99999999999999999999999"])
def test_a_number_of_no_row_is_refused(client: Client, number: str) -> None:
    error(client.delete(f"/overrides/{number}", headers=TOKEN), 422)


@walk(("query", "status"), [("code=USB", 404), ("standing=perhaps", 422), ("bogus=1", 422), ("limit=0", 422)])
def test_bad_questions_get_the_envelope(client: Client, query: str, status: int) -> None:
    error(client.get(f"/overrides?{query}"), status)


def test_standing_figures_come_in_the_shape_of_a_rate(client: Client, django_assert_num_queries: Any) -> None:
    first = overrides.add(usd(), "A", JAN_2, mid("3.9350"), "Misprint", "anna")
    overrides.add(usd(), "A", JAN_3, mid("3.9700"), "Not published", "anna")
    instrument = usd()
    with django_assert_num_queries(1):
        rows = manual_rates(instrument, JAN_2, date(2024, 1, 31))
    rate = get(client, "/rates", code="USD", **{"from": "2024-01-02", "to": "2024-01-02"})["items"][0]
    assert set(rate) <= set(rows[0])
    assert [(row["effective_date"], row["mid"], row["source"]) for row in rows] == [
        (JAN_2, "3.9350", "manual"), (JAN_3, "3.9700", "manual"),
    ]  # fmt: skip
    assert rows[0]["override"]["author"] == "anna"
    overrides.withdraw(first, "jan")
    assert [row["effective_date"] for row in manual_rates(instrument, JAN_2, JAN_3)] == [JAN_3]
    assert manual_rates(instrument, JAN_2, JAN_3, "B") == []


def test_answers_about_the_instrument_are_made_anew(client: Client, without_redis: None) -> None:
    def number() -> int:
        return Instrument.objects.get(code="USD").generation.number

    before = number()
    row = overrides.add(usd(), "A", JAN_2, mid("3.9350"), "Misprint", "anna")
    between = number()
    overrides.withdraw(row, "jan")
    assert before < between < number()
    assert overrides.withdraw(row, "jan") is False


# The admin


def operator(client: Client, *permissions: str) -> User:
    user = User.objects.create_user("anna", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return user


FORM = {"table": "A", "effective_date": "2024-01-02", "mid": "3,9350", "bid": "", "ask": "", "reason": "Misprint"}


def test_the_admin_adds_a_figure_with_its_decimals_and_author(client: Client) -> None:
    operator(client, "add_override", "view_override", "view_instrument")
    response = client.post(reverse("admin:markets_override_add"), FORM | {"instrument": str(usd().pk)})
    assert response.status_code == 302, response.content.decode()
    row = Override.objects.get()
    assert (row.author, str(row.published("mid")), row.reason) == ("anna", "3.9350", "Misprint")
    page = client.get(reverse("admin:markets_override_change", args=[row.pk])).content.decode()
    assert "Misprint" in page
    assert 'name="reason"' not in page, "it can be changed"


def test_the_admin_tells_the_second_of_two_that_come_at_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    operator(client, "add_override", "view_override", "view_instrument")
    overrides.add(usd(), "A", JAN_2, mid("3.9350"), "Misprint", "jan")
    monkeypatch.setattr(overrides, "fault", lambda *_: "")
    response = client.post(reverse("admin:markets_override_add"), FORM | {"instrument": str(usd().pk)}, follow=True)
    assert response.status_code == 200
    assert "a figure was set there already" in response.content.decode()
    assert Override.objects.count() == 1


def test_who_may_change_may_only_withdraw(client: Client) -> None:
    row = overrides.add(usd(), "A", JAN_2, mid("3.9350"), "Misprint", "jan")
    operator(client, "change_override", "view_override", "view_instrument")
    page = reverse("admin:markets_override_change", args=[row.pk])
    assert 'name="reason"' not in client.get(page).content.decode()
    assert client.post(page, FORM | {"instrument": str(usd().pk), "mid": "5", "reason": "Another"}).status_code == 302
    assert (Override.objects.get().reason, Override.objects.get().mid) == ("Misprint", Decimal("3.9350"))


@pytest.mark.slow
@walk("change", [{"mid": "0"}, {"bid": "3"}, {"effective_date": "2024-01-06"}, {"reason": "  x "}, {"table": "gold"}])
def test_the_admin_refuses_what_the_api_refuses(client: Client, change: dict[str, str]) -> None:
    operator(client, "add_override", "view_override", "view_instrument")
    response = client.post(reverse("admin:markets_override_add"), FORM | {"instrument": str(usd().pk)} | change)
    assert response.status_code == 200
    assert not Override.objects.exists()


def test_the_admin_withdraws_where_the_account_may(client: Client) -> None:
    row = overrides.add(usd(), "A", JAN_2, mid("3.9350"), "Misprint", "jan")
    action = {"action": "withdraw", "_selected_action": [str(row.pk)], "confirmed": "yes"}
    user = operator(client, "view_override")
    client.post(reverse("admin:markets_override_changelist"), action)
    assert Override.objects.get().withdrawn_at is None
    user.user_permissions.add(Permission.objects.get(codename="change_override"))
    client.post(reverse("admin:markets_override_changelist"), action)
    assert Override.objects.get().withdrawn_by == "anna"
