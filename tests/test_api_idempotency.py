"""`Idempotency-Key`: a write that is sent twice is done once, and the second answer is the first one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from markets import api_tokens, clock
from markets.models import IdempotentAnswer, Source
from markets.store import idempotent_answers, retention
from signals.alerts.models import AlertRule
from tests.market import source
from tests.test_api_errors import error

pytestmark = pytest.mark.django_db

RULE = {"asset": "BTC", "window_minutes": 60, "threshold_pct": "5", "direction": "both"}


@pytest.fixture(autouse=True)
def market(at: Callable[[str], None], settings: Any, nbp: Source) -> None:
    at("2026-10-26 12:00")
    settings.API_TOKEN = "let-me-in-please"
    source("coingecko", ["BTC"], enabled=True)


def post(client: Client, key: str, token: str = "let-me-in-please", body: Any = RULE) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    return client.post("/alerts", body, content_type="application/json", headers=headers)


def test_the_second_request_is_answered_with_the_first_answer_and_makes_nothing(client: Client) -> None:
    first, second = post(client, "one"), post(client, "one")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Cache-Control"] == "private, no-store"
    assert AlertRule.objects.filter(automatic=False).count() == 1


def test_another_key_and_another_caller_are_other_wishes(client: Client) -> None:
    _, token = api_tokens.create("a program", ["write"])
    told = [post(client, "one"), post(client, "two"), post(client, "one", token)]
    assert {answer.status_code for answer in told} == {201}
    assert AlertRule.objects.filter(automatic=False).count() == 3


def test_the_same_key_with_another_request_is_refused(client: Client) -> None:
    post(client, "one")
    told = error(post(client, "one", body=RULE | {"threshold_pct": "6"}), 422)
    assert told["code"] == "idempotency_key_reused"
    assert AlertRule.objects.filter(automatic=False).count() == 1


def test_a_request_that_is_still_worked_on_is_not_begun_twice(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotent_answers, "finish", lambda *_: None)
    post(client, "one")
    assert error(post(client, "one"), 409)["code"] == "in_progress"


def test_a_process_that_died_holds_the_key_for_two_minutes(
    client: Client, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(idempotent_answers, "finish", lambda *_: None)
        post(client, "one")
    at("2026-10-26 12:02:01")
    assert post(client, "one").status_code == 201
    assert AlertRule.objects.filter(automatic=False).count() == 2, "rather twice than never"


def test_a_refusal_and_a_fault_leave_the_key_free(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert post(client, "one", body=RULE | {"asset": "ZZQQ"}).status_code == 404
    with monkeypatch.context() as patch:
        patch.setattr("signals.alerts.rule_store.create", fails)
        assert post(client, "one").status_code == 503
    assert IdempotentAnswer.objects.count() == 0
    assert post(client, "one").status_code == 201


def fails(*args: Any, **kwargs: Any) -> None:
    raise OperationalError("away")


def test_a_database_that_is_away_is_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotent_answers, "begin", fails)
    assert error(post(client, "one"), 503)["code"] == "unavailable"


def test_what_was_done_is_told_also_where_the_answer_could_not_be_kept(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotent_answers, "finish", fails)
    assert post(client, "one").status_code == 201
    assert error(post(client, "one"), 409)["code"] == "in_progress", "nobody knows the answer any more"
    assert AlertRule.objects.filter(automatic=False).count() == 1


@pytest.mark.parametrize("key", ["", " ", "k" * 256, "żółw", "a b"])
def test_a_key_that_is_none_is_named(client: Client, key: str) -> None:
    told = error(post(client, key), 422)
    assert [fault["field"] for fault in told["detail"]] == ["Idempotency-Key"]


def test_a_stranger_writes_no_row(client: Client) -> None:
    assert post(client, "one", "guess").status_code == 401
    assert client.post("/alerts", RULE, "application/json", headers={"Idempotency-Key": "one"}).status_code == 401
    assert IdempotentAnswer.objects.count() == 0


def test_a_key_is_forgotten_after_a_day(client: Client, at: Callable[[str], None]) -> None:
    post(client, "one")
    at("2026-10-27 12:00:01")
    assert post(client, "one").headers.get("Idempotent-Replayed") is None
    IdempotentAnswer.objects.update(begun_at=clock.now() - timedelta(days=2))
    retention.prune_callers()
    assert IdempotentAnswer.objects.count() == 0


def test_what_only_computes_keeps_nothing(client: Client) -> None:
    headers = {"Idempotency-Key": "one"}
    assert client.post("/alerts/preview", RULE, "application/json", headers=headers).status_code == 200
    assert IdempotentAnswer.objects.count() == 0
