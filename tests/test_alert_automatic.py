"""The rules that nobody made: one of moves always, two about the installation while a channel can be told."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from markets import clock, problems
from markets.messages import Message
from markets.models import Source
from signals.alerts import automatic, tasks
from signals.alerts.models import AlertDefaults, AlertEvent, AlertRule, Channel
from tests.alerts import rule
from tests.test_alerts_api import error, send

pytestmark = pytest.mark.django_db
PLAIN: dict[str, Any] = {"window_minutes": None, "threshold_pct": None}


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], settings: Any) -> None:
    at("2026-10-26 12:00")
    settings.API_TOKEN = "let-me-in"


def channel(name: str = "dyżur", **more: Any) -> Channel:
    return Channel.objects.create(name=name, kind="fake", created_at=clock.now(), **more)


def kinds(**where: Any) -> list[str]:
    automatic.keep()
    return list(AlertRule.objects.filter(automatic=True, **where).order_by("kind").values_list("kind", flat=True))


def test_operators_are_watched_for_while_a_channel_is_on() -> None:
    assert kinds() == ["move"]
    one = channel(enabled=False)
    assert kinds() == ["move"]
    Channel.objects.update(enabled=True)
    assert kinds(enabled=True) == ["channel_broken", "move", "source_stale"]
    with CaptureQueriesContext(connection) as asked:
        automatic.keep()
    assert not [query for query in asked if not query["sql"].startswith("SELECT")], "what stands is not written"
    one.delete()
    assert kinds() == ["move"]


def test_a_rule_that_somebody_made_about_all_sources_stands_in_its_place(nbp: Source) -> None:
    channel()
    automatic.keep()
    made = rule(None, kind="source_stale", **PLAIN)
    assert kinds() == ["channel_broken", "move"]
    problems.report("source_stale", "nbp")
    assert tasks.watch() == 1
    AlertRule.objects.filter(pk=made.pk).update(enabled=False)
    assert kinds() == ["channel_broken", "move"], "it is switched off that way"
    made.delete()
    rule(None, kind="source_stale", source=nbp, **PLAIN)
    assert kinds() == ["channel_broken", "move", "source_stale"], "it is about one source alone"


@pytest.mark.slow
def test_what_is_still_wrong_is_told_anew_to_a_channel_that_comes_later() -> None:
    problems.report("source_stale", "nbp")
    assert tasks.watch() == 0
    channel()
    assert [tasks.watch(), tasks.watch()] == [1, 0]
    Channel.objects.update(enabled=False)
    assert tasks.watch() == 0
    assert AlertEvent.objects.get().state == "resolved"
    Channel.objects.update(enabled=True)
    assert tasks.watch() == 1


def test_a_broken_channel_is_an_event_until_it_works() -> None:
    channel()
    problems.report("channel_broken", "dyżur", Message.of("500"))
    assert tasks.watch() == 1
    event = AlertEvent.objects.get()
    assert (event.kind, event.subject, event.details) == ("channel_broken", "dyżur", {"detail": "500"})
    problems.close("channel_broken", "dyżur")
    tasks.watch()
    event.refresh_from_db()
    assert event.state == "resolved"


@pytest.mark.slow
def test_the_name_of_a_broken_channel_is_for_operators_alone(client: Client, nbp: Source) -> None:
    for name in ("telefon Ewy", "nbp"):
        problems.report("channel_broken", name, Message.of("odmowa telefon Ewy"))
    told = client.get("/health").json()["problems"]
    assert [row["subject"] for row in told if row["kind"] == "channel_broken"] == [""]
    shown = client.get("/status/").content.decode()
    assert "Kanał alertów nie działa" in shown
    assert "Kanał alertów nie działa: " not in shown
    assert "Ewy" not in shown
    assert "Ewy" not in client.get("/").content.decode()
    client.force_login(User.objects.create_superuser("operator"))
    admin = client.get("/admin/").content.decode()
    assert "Kanał alertów nie działa: telefon Ewy" in admin
    assert f'href="{reverse("admin:alerts_channel_changelist")}"' in admin


def test_the_defaults_are_those_of_moves_whatever_else_is_automatic(client: Client) -> None:
    channel()
    automatic.keep()
    assert send(client, "PUT", "/config/alerts-defaults", {"window_minutes": 30, "threshold_pct": 1}).status_code == 200
    assert AlertRule.objects.get(automatic=True, kind="move").window_minutes == 30
    assert not AlertRule.objects.filter(automatic=True, window_minutes=30).exclude(kind="move").exists()
    assert AlertDefaults.objects.count() == 1


def test_a_rule_for_the_channels_is_not_changed_by_hand(client: Client) -> None:
    channel()
    automatic.keep()
    kept = AlertRule.objects.get(automatic=True, kind="source_stale")
    for method, said in (("DELETE", None), ("PATCH", {"enabled": False})):
        told = error(send(client, method, f"/alerts/{kept.pk}", said), 409)
        assert told["detail"] == {"see": "/api/v1/alerts"}
    assert AlertRule.objects.filter(pk=kept.pk, enabled=True).exists()
