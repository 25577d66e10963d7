"""What a message says: every kind of alert in both languages, digests, ends, links, and the data of webhooks."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation

from markets import clock
from markets.models import Source
from signals.alerts import words
from signals.alerts.channels.channel import Message
from signals.alerts.deliver import links, message
from signals.alerts.deliver.models import Channel, Delivery
from signals.alerts.models import AlertEvent, Kind
from tests.cases import walk
from tests.deliveries import channel, fire, quotes

pytestmark = pytest.mark.django_db
DOWN: dict[str, Any] = {"direction": "down"}
FAULT: dict[str, Any] = {"instrument": None, "source": None, "price": None, "direction": ""}


@pytest.fixture(autouse=True)
def gecko(db: None, at: Callable[[str], None]) -> Source:
    at("2026-10-26 12:00")
    return quotes()


def made(**more: Any) -> Message:
    one = channel(f"c{Channel.objects.count()}")
    fire(1, **more)
    return message.build(list(Delivery.objects.filter(channel=one).order_by("pk")), one)


def event(**more: Any) -> AlertEvent:
    [one] = fire(1, tell=False, **more)
    return one


@walk(
    ("figures", "text"),
    [
        ({"price": Decimal("64123.4")}, "BTC: +5,24% w 60 min, cena 64 123,40 USD (próg 5%)"),
        (
            {**DOWN, "change_pct": Decimal("-7.5"), "window_minutes": 1440, "threshold_pct": Decimal("7.5")},
            "BTC: −7,50% w 24 h, cena 67 321,50 USD (próg 7,5%)",
        ),
        (
            {"kind": Kind.LEVEL, "details": {"level": "64000.0000000000"}},
            "BTC: cena 67 321,50 USD, powyżej poziomu 64 000",
        ),
        (
            {**DOWN, "kind": Kind.LEVEL, "details": {"level": "0.5"}, "price": Decimal("0.49"), "scale": 4},
            "BTC: cena 0,4900 USD, poniżej poziomu 0,5",
        ),
        (
            {"kind": Kind.RATING, "details": {"level": "0.5", "timeframe": "1d"}, "price": Decimal("0.6667")},
            "BTC: ocena wzrosła do 0,67, próg 0,5 (świece dzienne)",
        ),
        (
            {**DOWN, "kind": Kind.RATING, "details": {"level": "-0.5", "timeframe": "1h"}, "price": Decimal(-1)},
            "BTC: ocena spadła do −1, próg −0,5 (świece godzinne)",
        ),
        (
            {"kind": Kind.SIGNAL, "details": {"signal": "BUY", "rule": "macd_cross", "timeframe": "1d"}},
            "BTC: nowy sygnał KUP (MACD 12/26/9, świece dzienne)",
        ),
        (
            {**FAULT, "kind": Kind.SOURCE_STALE, "subject": "nbp.A", "details": {"detail": "A, B"}},
            "Źródło nbp.A milczy (A, B)",
        ),
        (
            {**FAULT, "kind": Kind.PUBLICATION_LATE, "subject": "nbp.A", "details": {"detail": "2026-10-23"}},
            "Tabela nbp.A się spóźnia (ostatnia z 23.10.2026)",
        ),
        ({**FAULT, "kind": Kind.GAP, "subject": "nbp.A"}, "Luka w danych: nbp.A"),
        (
            {**FAULT, "kind": Kind.DISK, "subject": "", "details": {"detail": "120 MB"}},
            "Na dysku kończy się miejsce (120 MB)",
        ),
        ({**FAULT, "kind": Kind.QUEUE_AGE, "subject": "brain"}, "Kolejka brain nie bierze zadań"),
        ({**FAULT, "kind": Kind.CHANNEL_BROKEN, "subject": "biuro"}, "Kanał biuro nie działa"),
    ],
)  # fmt: skip
def test_every_kind_of_alert_has_its_sentence(figures: dict[str, Any], text: str) -> None:
    with translation.override("pl"):
        assert words.sentence(words.of_event(event(**figures))).replace("\u00a0", " ") == text


def test_every_kind_has_a_sentence_in_both_languages() -> None:
    details = {"level": "1", "timeframe": "1d", "signal": "SELL", "rule": "macd_cross"}
    for number, kind in enumerate(Kind):
        [one] = fire(number, tell=False, kind=kind, details=details)
        for language in ("pl", "en"):
            with translation.override(language):
                assert words.sentence(words.of_event(one))


@walk(
    ("lasted", "text"),
    [
        (timedelta(seconds=20), "ustąpił po chwili"),
        (timedelta(minutes=1), "ustąpił po 1 minucie"),
        (timedelta(minutes=2), "ustąpił po 2 minutach"),
        (timedelta(minutes=22), "ustąpił po 22 minutach"),
        (timedelta(minutes=119), "ustąpił po 119 minutach"),
        (timedelta(hours=2), "ustąpił po 2 godzinach"),
        (timedelta(days=2), "ustąpił po 2 dniach"),
        (timedelta(days=31), "ustąpił po 31 dniach"),
    ],
)
def test_an_end_says_how_long_it_lasted(lasted: timedelta, text: str) -> None:
    one = event(minutes_ago=lasted.total_seconds() / 60, resolved_at=clock.now())
    with translation.override("pl"):
        assert words.end(one).replace("\u00a0", " ") == text


def test_the_title_names_the_asset_and_what_happened() -> None:
    assert made().title == "BTC: zmiana ceny"
    assert made(**FAULT, kind=Kind.DISK, subject="", key="2").title == "Mało miejsca na dysku"


def test_the_data_are_those_of_the_api_and_json() -> None:
    one = made()
    assert one.type == "alert.fired"
    assert one.data == {
        "type": "fired",
        "id": AlertEvent.objects.get().pk,
        "rule_id": 1,
        "asset": "BTCUSD",
        "created_at": "2026-10-26T11:00:00Z",
        "window_minutes": 60,
        "threshold_pct": "5",
        "change_pct": "5.2381",
        "direction": "up",
        "price": "67321.50",
        "state": "open",
        "kind": "move",
        "source": "coingecko",
        "subject": "BTCUSD",
        "observed_at": "2026-10-26T11:00:00Z",
        "resolved_at": None,
        "acknowledged_at": None,
    }
    assert message.unpack(message.pack(one)) == one


def test_a_message_links_to_its_acknowledgement_where_there_is_a_public_address(settings: Any) -> None:
    settings.PUBLIC_URL = ""
    assert made().link == ""
    settings.PUBLIC_URL = "https://charon.example"
    [one] = fire(2)
    row = Delivery.objects.filter(event=one).first()
    assert row is not None
    link = message.build([row], row.channel).link
    assert link.startswith("https://charon.example/alerty/potwierdz/")
    assert links.event_of(link.rstrip("/").rpartition("/")[2]) == one.pk
    row.channel.language = "en"
    assert message.build([row], row.channel).link.startswith("https://charon.example/en/alerty/")
    row.step = "resolved"
    assert message.build([row], row.channel).link == "https://charon.example/en/alerty/"


def test_a_forged_or_old_link_names_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    token = links.path(12).split("/")[3]
    assert links.event_of(token) == 12
    assert links.event_of(token[:-1]) is None
    monkeypatch.setattr(links, "LIFETIME", timedelta(seconds=-1))
    assert links.event_of(token) is None


@pytest.mark.slow
def test_the_largest_digest_fits_into_a_webhook() -> None:
    one = channel()
    fire(*range(200))
    built = message.build(list(Delivery.objects.select_related("event").order_by("pk")), one)
    assert len(str(message.pack(built))) < 20_000
    assert built.title == "Alerty: 200"
    assert built.text.count("\n") == message.MOST


def test_ends_and_escalations_that_come_together_are_named_so() -> None:
    one = channel("desk", escalates_to=channel("night", is_fallback=True))
    events = fire(1, 2)
    rows = list(Delivery.objects.filter(step="escalated").order_by("pk"))
    assert message.build(rows, one).title == "Alerty, których nikt nie potwierdził: 2"
    assert message.build(rows[:1], one).title == "BTC: nikt nie potwierdził alertu"
    for row in rows:
        row.step = "resolved"
    assert message.build(rows, one).title == "Alerty, które ustąpiły: 2"
    assert len(events) == 2
