"""Client tokens: shown once, kept as a hash, revocable, and never dearer than the answer."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import OperationalError, connection
from django.test import Client

from markets import access, api_tokens
from markets.access import Scope, hash_of
from markets.models import ApiToken, Source
from markets.store.brief_write import LOCK_MILLISECONDS, brief_write
from tests.test_api_errors import error

pytestmark = pytest.mark.django_db

ADD = "/admin/markets/apitoken/add/"
LIST = "/admin/markets/apitoken/"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


def made(*scopes: str, name: str = "a program") -> dict[str, str]:
    _, token = api_tokens.create(name, list(scopes))
    return {"Authorization": f"Bearer {token}"}


def follow(client: Client, headers: dict[str, str]) -> int:
    return client.post("/assets", {"symbol": "BTC"}, content_type="application/json", headers=headers).status_code


def given(page: Any) -> str:
    found = re.search(r"charon_[\w-]{43}", page.content.decode())
    assert found, page.content.decode()
    return found[0]


# What a scope allows


def test_each_scope_may_what_it_says(client: Client, nbp: Source) -> None:
    allowed = {}
    for scope in Scope.values:
        headers = made(scope)
        read, write = client.get("/currencies", headers=headers).status_code, follow(client, headers)
        allowed[scope] = (read, write == 403, client.get("/redis/log", headers=headers).status_code)
    assert allowed == {"read": (200, True, 403), "write": (200, False, 403), "operator": (200, False, 200)}


def test_the_scopes_of_a_token_add_up_and_an_unknown_one_is_worth_nothing() -> None:
    every = access.GRANTS[Scope.OPERATOR]
    assert access.granted(["read", "operator"]) == every
    assert access.granted(["everything"]) == access.granted([]) == frozenset()


def test_only_an_operators_token_sees_what_is_not_public(client: Client, nbp: Source) -> None:
    Source.objects.update(public_api=False)
    codes = {scope: client.get("/gold?source=nbp", headers=made(scope)).status_code for scope in Scope.values}
    assert codes == {"read": 403, "write": 403, "operator": 200}


def test_the_api_token_of_the_settings_works_beside_them(client: Client, settings: Any, nbp: Source) -> None:
    settings.API_TOKEN = "of-the-environment"
    assert client.get("/redis/log", headers={"Authorization": "Bearer of-the-environment"}).status_code == 200
    assert client.get("/redis/log", headers=made("operator")).status_code == 200


def test_a_revoked_token_is_401_also_where_reading_is_free(client: Client, nbp: Source) -> None:
    headers = made("read")
    assert client.get("/currencies", headers=headers).status_code == 200
    ApiToken.objects.update(revoked_at="2026-11-01T00:00Z")
    assert error(client.get("/currencies", headers=headers), 401)["code"] == "unauthorized"


def test_a_word_that_is_no_client_token_costs_no_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert access.identify("Bearer anything") is access.STRANGER
    with django_assert_num_queries(1):
        assert access.identify("Bearer charon_anything") is access.STRANGER


# What is kept of it


def test_a_token_is_random_and_only_its_hash_and_its_beginning_are_kept() -> None:
    row, token = api_tokens.create("a program", ["read"])
    _, other = api_tokens.create("a program", ["read"])
    assert token != other
    assert len(token) == len("charon_") + 43, "32 random bytes"
    stored = ApiToken.objects.filter(pk=row.pk).values().get()
    assert (stored["hash"], stored["prefix"]) == (hash_of(token), token[:12])
    assert token not in str(stored)


def test_a_token_stands_in_no_log_and_no_answer(
    client: Client, nbp: Source, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = made("write")
    secret = headers["Authorization"].removeprefix("Bearer ")
    answers = [client.get("/redis/log", headers=headers), client.get("/currencies", headers=headers)]
    ApiToken.objects.update(revoked_at="2026-11-01T00:00Z")
    answers.append(client.get("/currencies", headers=headers))
    assert [answer.status_code for answer in answers] == [403, 200, 401]
    told = caplog.text.replace(hash_of(secret), "")
    assert secret not in told + "".join(answer.content.decode() for answer in answers) + "".join(capsys.readouterr())


# The last use


def test_the_last_use_is_noted_once_a_minute(client: Client, at: Callable[[str], None], nbp: Source) -> None:
    headers, noted = made("read"), []
    for moment in ("12:00:00", "12:00:59", "12:01:00"):
        at(f"2026-10-26 {moment}")
        client.get("/currencies", headers=headers)
        last = ApiToken.objects.get().last_used_at
        noted.append(f"{last:%H:%M:%S}" if last else "")
    assert noted == ["11:00:00", "11:00:00", "11:01:00"]


def test_a_use_that_is_noted_already_takes_no_lock(
    client: Client, at: Callable[[str], None], nbp: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = made("read")
    at("2026-10-26 12:00:00")
    client.get("/currencies", headers=headers)
    monkeypatch.setattr(api_tokens, "brief_write", pytest.fail)
    at("2026-10-26 12:00:59")
    assert client.get("/currencies", headers=headers).status_code == 200


def test_an_answer_that_failed_is_no_use(client: Client, nbp: Source) -> None:
    headers = made("read")
    assert client.get("/rates?code=NONE", headers=headers).status_code == 404
    assert client.get("/redis/log", headers=headers).status_code == 403
    assert ApiToken.objects.get().last_used_at is None


def test_a_database_that_takes_no_write_costs_no_answer(
    client: Client, nbp: Source, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def locked() -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(api_tokens, "brief_write", locked)
    assert client.get("/currencies", headers=made("read")).status_code == 200
    assert ApiToken.objects.get().last_used_at is None
    assert "could not be noted" in caplog.text


def test_a_database_that_is_away_is_503_and_nobody_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*names: str) -> None:
        raise OperationalError("connection refused")

    headers = made("read")
    monkeypatch.setattr("markets.access.apps.get_model", away)
    client.raise_request_exception = False
    answer = client.get("/currencies", headers=headers)
    assert error(answer, 503)["code"] == "unavailable"
    assert answer.headers["Retry-After"]


# The admin


def test_a_new_token_is_shown_once_and_works(operator: Client, nbp: Source) -> None:
    page = operator.post(ADD, {"name": "Kantor", "scopes": ["read", "write"]})
    token = given(page)
    assert page.status_code == 200
    assert "no-store" in page.headers["Cache-Control"]
    assert "nie da się go pokazać drugi raz" in page.content.decode()
    assert token not in operator.cookies.output()
    row = ApiToken.objects.get()
    assert (row.name, row.scopes, row.hash) == ("Kantor", ["read", "write"], hash_of(token))
    for path in (LIST, f"{LIST}{row.pk}/change/", "/admin/"):
        shown = operator.get(path)
        assert shown.status_code == 200
        assert token not in shown.content.decode()
        assert path == "/admin/" or token[:12] in shown.content.decode()
    assert not LogEntry.objects.filter(change_message__contains=token).exists()
    assert Client().get("/currencies", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_token_needs_a_name_and_a_known_scope(operator: Client) -> None:
    for body in ({"name": "", "scopes": ["read"]}, {"name": "x"}, {"name": "x", "scopes": ["everything"]}):
        assert operator.post(ADD, body).status_code == 200
    assert not ApiToken.objects.exists()


def test_a_token_is_revoked_and_neither_changed_nor_deleted(operator: Client, nbp: Source) -> None:
    headers = made("read")
    row = ApiToken.objects.get()
    operator.post(f"{LIST}{row.pk}/change/", {"name": "another", "scopes": ["operator"]})
    operator.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
    row.refresh_from_db()
    assert (row.name, row.scopes, row.revoked_at) == ("a program", ["read"], None)
    answer = operator.post(LIST, {"action": "revoke", "_selected_action": [row.pk], "confirmed": "yes"}, follow=True)
    assert "Unieważniono tokeny: 1" in answer.content.decode()
    assert Client().get("/currencies", headers=headers).status_code == 401


def test_nobody_gives_a_token_more_than_they_have(client: Client) -> None:
    user = User.objects.create_user("clerk", is_staff=True)
    names = ["add_apitoken", "view_apitoken", *(one.split(".")[1] for one in access.GRANTS[Scope.WRITE])]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    refused = client.post(ADD, {"name": "x", "scopes": ["operator"]})
    assert "nie ma uprawnień zakresu „operator”" in refused.content.decode()
    assert not ApiToken.objects.exists()
    assert given(client.post(ADD, {"name": "x", "scopes": ["write"]}))
    client.post(LIST, {"action": "revoke", "_selected_action": [ApiToken.objects.get().pk], "confirmed": "yes"})
    assert ApiToken.objects.get().revoked_at is None, "who may only add may not revoke"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the lock of a file")
@pytest.mark.django_db(transaction=True)
def test_a_brief_write_waits_a_tenth_of_a_second_and_leaves_the_patience_of_others_as_it_was() -> None:
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA busy_timeout").fetchone()
    with brief_write() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone() == (LOCK_MILLISECONDS,)
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone() == before
