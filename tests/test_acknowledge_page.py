"""The link of a message: looking at it changes nothing, its button says once that somebody knows."""

import re
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client

from markets import clock
from signals.alerts.deliver import links
from signals.alerts.models import AlertEvent, Channel, Delivery
from tests.alert_rows import alert_event
from tests.test_alerts_api import gecko, noon  # noqa: F401  fixtures

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gecko")]


def words(content: bytes) -> str:
    text = re.sub(r"<[^>]+>", " ", content.decode()).replace("\u00a0", " ")
    return re.sub(r"\s+", " ", text)


def test_looking_at_it_says_what_happened_and_acknowledges_nothing(client: Client) -> None:
    row = alert_event()
    for method in (client.get, client.head, client.get):
        response = method(links.path(row.pk))
        assert response.status_code == 200
    shown = words(client.get(links.path(row.pk)).content)
    for told in ("Zmiana ceny: ", "(BTCUSD)", "+5,24% w 60 min, cena 67 321,50 USD (próg 5%)", "Potwierdzam"):
        assert told in shown
    assert AlertEvent.objects.get().acknowledged_at is None


def test_it_is_told_and_acknowledged_in_english_too(client: Client) -> None:
    row = alert_event(kind="source_stale", instrument=None, source=None, subject="nbp.A", details={})
    address = f"/en{links.path(row.pk)}"
    shown = words(client.get(address).content)
    for told in ("Acknowledge the alert", "Acknowledging tells others that somebody is on it.", "nbp.A"):
        assert told in shown
    assert client.post(address).headers["Location"] == address
    assert "The alert is acknowledged." in words(client.get(address).content)


def test_no_cache_and_no_search_engine_keeps_it(client: Client) -> None:
    for address in (links.path(alert_event().pk), "/alerty/potwierdz/forged/"):
        response = client.get(address)
        assert "no-store" in response.headers["Cache-Control"]
        assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert b'<meta name="robots" content="noindex, nofollow">' in response.content


def test_the_button_acknowledges_once(client: Client, at: Callable[[str], None]) -> None:
    row = alert_event()
    address = links.path(row.pk)
    assert client.post(address).headers["Location"] == address
    row.refresh_from_db()
    first = row.acknowledged_at
    assert (row.state, row.acknowledged_by) == ("acknowledged", "odnośnik")
    assert first is not None
    at("2026-10-26 12:30")
    assert client.post(address).status_code == 302
    row.refresh_from_db()
    assert row.acknowledged_at == first
    shown = client.get(address)
    assert "Alert jest potwierdzony" in words(shown.content)
    assert b"<form" not in shown.content


def test_what_is_over_is_acknowledged_and_stays_over(client: Client) -> None:
    row = alert_event(state="resolved", resolved_at=clock.now())
    client.post(links.path(row.pk))
    row.refresh_from_db()
    assert (row.state, row.acknowledged_by) == ("resolved", "odnośnik")


def test_it_calls_nobody_else(client: Client) -> None:
    row, moment = alert_event(), clock.now()
    channel = Channel.objects.create(name="szef", kind="fake", created_at=moment)
    later = Delivery.objects.create(
        key=uuid.uuid4(), channel=channel, event=row, step="escalated", due_at=moment + timedelta(minutes=15),
        created_at=moment,
    )  # fmt: skip
    client.post(links.path(row.pk))
    later.refresh_from_db()
    assert later.state == "cancelled"


def test_a_form_of_another_site_acknowledges_nothing() -> None:
    row, strict = alert_event(), Client(enforce_csrf_checks=True)
    address = links.path(row.pk)
    assert strict.post(address).status_code == 403
    page = strict.get(address).content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    assert AlertEvent.objects.get().acknowledged_at is None
    assert strict.post(address, {"csrfmiddlewaretoken": found[1]}).status_code == 302
    assert AlertEvent.objects.get().acknowledged_at is not None


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_is_forged_old_or_of_nothing_is_a_calm_404(client: Client, method: str) -> None:
    row = alert_event()
    good = links.path(row.pk)
    address, _, token = good.rstrip("/").rpartition("/")
    wrong = [
        f"{address}/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}/",
        f"{address}/{row.pk}/",
        f"{address}/{signing.dumps(row.pk, salt='another')}/",
        f"{address}/{signing.dumps('1 OR 1', salt='alerts.acknowledge')}/",
        links.path(row.pk + 1000),
    ]
    for one in wrong:
        response = getattr(client, method)(one)
        assert response.status_code == 404
        assert "Ten odnośnik już nie działa" in words(response.content)
    assert AlertEvent.objects.get().acknowledged_at is None


def test_a_link_works_for_a_week(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    address = links.path(alert_event().pk)
    made = time.time()
    for days, status in ((6.9, 200), (7.1, 404)):
        monkeypatch.setattr(time, "time", lambda after=days * 86_400: made + after)
        assert client.get(address).status_code == status


def test_other_methods_are_refused(client: Client) -> None:
    assert client.put(links.path(alert_event().pk)).status_code == 405


def test_it_names_what_of_the_installation_is_wrong_and_obeys_no_markup(client: Client) -> None:
    row = alert_event(
        kind="source_stale", instrument=None, source=None, subject="nbp", price=None, change_pct=None, direction="",
        window_minutes=None, details={"detail": "<script>alert(1)</script> nbp.A"},
    )  # fmt: skip
    content = client.get(links.path(row.pk)).content
    assert b"<script>alert" not in content
    assert "Źródło milczy: nbp" in words(content)
    assert "nbp.A" in words(content)
