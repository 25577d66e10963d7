"""A walk proves as much as tests of their own: each case runs, alone, and each that fails is named."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as settings_now
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from markets import clock
from markets.models import Alias
from tests.cases import walk

pytestmark = pytest.mark.django_db


def test_every_case_runs_and_each_that_fails_is_named() -> None:
    seen = []

    @walk("number", [1, 2, pytest.param(3, id="three"), 4])
    @walk(("letter", "word"), [("a", "x"), ("b", "y")], ids=["first", "second"])
    def odd(number: int, letter: str, word: str) -> None:
        seen.append((number, letter, word))
        assert (number, letter) not in {(2, "b"), (3, "a")}

    with pytest.raises(ExceptionGroup, match=r"2 of 4 cases: 2; three") as caught:
        odd()
    assert seen == [(number, *rest) for number in (1, 2, 3, 4) for rest in (("a", "x"), ("b", "y"))]
    assert [str(one) for one in caught.value.exceptions] == [
        "1 of 2 cases: second (1 sub-exception)",
        "1 of 2 cases: first (1 sub-exception)",
    ]


@pytest.mark.parametrize("end", [pytest.skip, pytest.fail])
def test_a_case_that_is_skipped_or_raises_nothing_fails_and_stops_no_other(end: Any) -> None:
    seen = []

    @walk("number", [1, 2])
    def ends(number: int) -> None:
        seen.append(number)
        if number == 1:
            end("no")

    with pytest.raises(BaseExceptionGroup, match="1 of 2 cases: 1"):
        ends()
    assert seen == [1, 2]


def test_a_row_that_refers_to_nothing_fails_its_case() -> None:
    @walk("number", [1])
    def dangling(number: int) -> None:
        Alias.objects.create(instrument_id=10**6, name="x")

    with pytest.raises(ExceptionGroup):
        dangling()


def test_no_case_sees_another(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    client.cookies["kept"] = "yes"

    @walk("number", [1, 2])
    def writes(number: int, client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        assert (list(client.cookies), cache.get("number"), settings_now.API_TOKEN) == (["kept"], None, "before")
        assert clock.now is now
        assert "CASE" not in os.environ
        assert not User.objects.exists()
        with transaction.atomic(durable=True):
            User.objects.create(username="operator")
        client.cookies["number"], settings.API_TOKEN = "1", str(number)
        cache.set("number", number)
        monkeypatch.setenv("CASE", str(number))
        at("2026-10-26 12:00")

    now, settings.API_TOKEN = clock.now, "before"
    writes(client=client, settings=settings, monkeypatch=monkeypatch)
    assert settings_now.API_TOKEN == "before"
    assert clock.now is now
    assert "CASE" not in os.environ


def test_a_walk_through_nothing_is_refused() -> None:
    with pytest.raises(AssertionError, match="through nothing"):
        walk("number", [])
