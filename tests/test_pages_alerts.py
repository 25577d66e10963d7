"""The page of alerts: what fired in words, the rules in force, and the form with its preview and its saving."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from charon.pages import alert_words
from markets import clock
from markets.models import Instrument, Job, Source
from markets.records import RateRecord, Table
from markets.store.prices import save_bars, save_prices
from markets.store.publish import publish
from signals.alerts import automatic
from signals.alerts.models import AlertEvent, AlertNumber, AlertRule, Kind
from tests.alert_rows import alert_event, alert_rule
from tests.market import bar, instrument, price, source
from tests.test_pages_instrument import page as page_text
from tests.test_pages_instrument import text_of

pytestmark = pytest.mark.django_db
PATH, PREVIEW = "/alerty/", "/alerty/podglad/"
MOVE = {"rodzaj": "move", "instrument": "BTC", "okno": "60", "prog": "5", "kierunek": "up"}
LEVEL = {"rodzaj": "level", "instrument": "BTC", "poziom": "64 000,50", "kierunek": "down"}
SIGNAL = {"rodzaj": "signal", "instrument": "USD", "regula": "macd_signal_cross_12_26_9", "interwal": "1d"}
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def noon(at: Callable[[str], None], settings: Any) -> None:
    at("2026-10-26 12:00")
    settings.API_TOKEN = "let-me-in"


@pytest.fixture(autouse=True)
def gecko(db: None) -> Source:
    row = source("coingecko", ["BTC", "ETH"])
    save_prices([price("67321.5", 1), price("1900", 1, "ethereum")], row)
    return row


@pytest.fixture
def dollar(nbp: Source, job: Job) -> Instrument:
    mids = ["4.00", "4.00", "4.25", "4.00", "4.00"]
    days = [date(2026, 10, 19) + timedelta(days=n) for n in range(5)]
    publish(
        [Table("A", day, [RateRecord("USD", mid=Decimal(mid))]) for day, mid in zip(days, mids, strict=True)], nbp, job
    )
    return instrument("USD")


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("anna"))
    return client


def preview(client: Client, asked: dict[str, str], **headers: str) -> str:
    return text_of(client.get(PREVIEW, asked, headers=HTMX | headers).content.decode())


def errors(client: Client, asked: dict[str, str]) -> dict[str, str]:
    response = client.get(PREVIEW, asked)
    assert response.status_code == 422
    content = response.content.decode()
    return {name: text for name, text in re.findall(r'id="(\w+)-blad">([^<]*)<', content) if text}


def test_an_event_is_told_in_words_with_its_time_and_state(client: Client) -> None:
    alert_event(alert_rule(window_minutes=10), window_minutes=10, minutes_ago=8)
    shown = page_text(client, PATH).replace("\u00a0", " ")
    assert "BTCUSD ▲ +5,24% w 10 min, cena 67 321,50 USD (próg 5%)" in shown
    assert "26.10.2026, 11:52 trwa" in shown
    assert "26.10.2026, 11:52 ustąpił" not in shown


def test_what_is_over_says_when(client: Client) -> None:
    alert_event(state="resolved", minutes_ago=30, resolved_at=clock.now() - timedelta(minutes=5))
    assert "ustąpił 26.10.2026, 11:55" in page_text(client, PATH)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"direction": "down", "change_pct": Decimal("-5.2"), "window_minutes": 60},
         "−5,20% w 60 min, cena 67 321,50 USD (próg 5%)"),
        ({"kind": Kind.LEVEL, "details": {"level": "67000.0000000000"}},
         "cena 67 321,50 USD, powyżej poziomu 67 000"),
        ({"kind": Kind.LEVEL, "direction": "down", "details": {}}, "cena 67 321,50 USD, poniżej poziomu 0"),
        ({"kind": Kind.SIGNAL, "details": {"signal": "SELL", "rule": "macd_signal_cross_12_26_9", "timeframe": "1d"}},
         "nowy sygnał SPRZEDAJ (MACD 12/26/9, świece dzienne)"),
        ({"kind": Kind.RATING, "price": Decimal("0.5714"), "details": {"level": "0.5", "timeframe": "1d"}},
         "ocena wzrosła do 0,57, próg 0,5 (świece dzienne)"),
    ],
)  # fmt: skip
def test_every_kind_has_words(client: Client, more: dict[str, Any], words: str) -> None:
    alert_event(**more)
    assert words in page_text(client, PATH).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(1, "1 minuty"), (2, "2 minut"), (45, "45 minut"), (60, "1 godziny"), (180, "3 godzin"), (1440, "1 dnia"),
     (2880, "2 dni"), (90, "90 minut")],
)  # fmt: skip
def test_a_window_is_said_in_the_largest_unit_that_it_is_made_of(minutes: int, words: str) -> None:
    assert alert_words.window(minutes).replace("\u00a0", " ") == words


def test_no_alerts_and_no_rules_are_sentences(client: Client) -> None:
    shown = page_text(client, PATH)
    assert "Brak alertów: żadna cena nie przekroczyła jeszcze progu. Dodaj własny próg" in shown
    assert "Nie ma jeszcze żadnej reguły." in shown


def test_the_automatic_rule_is_among_the_rules(client: Client, settings: Any) -> None:
    settings.ALERT_WINDOW_MINUTES, settings.ALERT_THRESHOLD_PCT = 10, 2.5
    automatic.keep()
    shown = page_text(client, PATH).replace("\u00a0", " ")
    assert "wszystkie obserwowane wzrost albo spadek o co najmniej 2,5% w ciągu 10 minut z ustawień" in shown


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"direction": "down"}, "spadek o co najmniej 5% w ciągu 1 godziny"),
        ({"kind": Kind.LEVEL, "level": Decimal("64000.5"), "direction": "up"}, "cena powyżej poziomu 64 000,5 USD"),
        ({"kind": Kind.SIGNAL, "rule": "macd_cross_gone", "timeframe": "4h"},
         "nowy sygnał reguły macd_cross_gone na świecach 4-godzinnych"),
        ({"kind": Kind.RATING, "level": Decimal("-0.5"), "timeframe": "1d"},
         "ocena świec dziennych przechodzi przez −0,5"),
        ({"enabled": False}, "raz w ciągu 1 godziny wyłączona"),
        ({"cooldown_minutes": 0}, "Coingecko – włączona"),
    ],
)  # fmt: skip
def test_every_rule_says_what_it_watches(client: Client, more: dict[str, Any], words: str) -> None:
    alert_rule(**more)
    assert words in page_text(client, PATH).replace("\u00a0", " ")


@pytest.mark.slow
def test_fifty_rules_cost_no_more_questions_than_one(client: Client, django_assert_num_queries: Any) -> None:
    alert_rule()
    alert_event()
    with django_assert_num_queries(5):  # events, rules, choices of the filter, attributions, defaults
        client.get(PATH)
    for number in range(60):
        alert_rule(name=f"r{number}")
        alert_event(key=str(number))
    with django_assert_num_queries(5):
        response = client.get(PATH)
    assert response.content.decode().count('id="regula-') - response.content.decode().count('id="regula-blad"') == 50
    assert '<a href="/api/v1/alerts/rules">Wszystkie w API</a>' in response.content.decode()


@pytest.mark.slow
def test_pages_of_events_follow_each_other(client: Client) -> None:
    made = [alert_event(minutes_ago=n).pk for n in range(45)]
    seen: list[int] = []
    response = client.get(PATH)
    while older := response.context["page"].older:
        seen += [event["id"] for event in response.context["events"]]
        response = client.get(older)
    assert seen + [event["id"] for event in response.context["events"]] == made
    assert client.get(PATH, {"strona": "99"}).context["events"] == []
    assert client.get(PATH, {"strona": "<x>"}).context["page"].number == 1


@pytest.mark.slow
def test_a_filter_by_asset_takes_aliases(client: Client) -> None:
    alert_event()
    alert_event(code="ETHUSD")
    assert [event["code"] for event in client.get(PATH, {"instrument": "btc"}).context["events"]] == ["BTCUSD"]
    AlertEvent.objects.filter(subject="ETHUSD").delete()
    content = client.get(PATH, {"instrument": "ETHUSD"}).content.decode()
    assert "Brak alertów dla ETHUSD." in content
    assert '<a href="/alerty/">Wyczyść filtry</a>' in content


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\0", "x" * 5000])
def test_a_hostile_filter_is_shown_and_not_obeyed(client: Client, text: str) -> None:
    response = client.get(PATH, {"instrument": text})
    assert response.status_code == 404
    content = response.content.decode()
    assert "Nie znamy instrumentu" in content
    assert "<script>alert" not in content
    assert "<img src=x" not in content


def test_an_unknown_asset_is_answered_with_its_neighbours(client: Client) -> None:
    content = client.get(PATH, {"instrument": "BTCUSX"}).content.decode()
    assert '<a href="/alerty/?instrument=BTCUSD">BTCUSD</a>' in content


def test_names_of_rules_are_escaped(client: Client) -> None:
    alert_rule(name="<script>alert(1)</script>")
    content = client.get(PATH).content.decode()
    assert "<script>alert" not in content
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in content


def test_alerts_about_the_installation_are_not_here_even_for_operators(client: Client, operator: Client) -> None:
    alert_event(kind=Kind.DISK, instrument=None, source=None, subject="disk")
    alert_rule(kind=Kind.DISK, instrument=None, source=None)
    response = operator.get(PATH)
    assert (response.context["events"], response.context["rules"]) == ([], [])


def test_what_a_licence_keeps_from_pages_is_not_here(client: Client, gecko: Source) -> None:
    alert_event()
    assert len(client.get(PATH).context["events"]) == 1
    Source.objects.filter(pk=gecko.pk).update(public_display=False)
    assert client.get(PATH).context["events"] == []


@pytest.mark.slow
def test_htmx_gets_the_lists_alone_and_head_the_head(client: Client) -> None:
    alert_event()
    part = client.get(PATH, headers=HTMX)
    assert part.content.decode().startswith('<div id="lista-alertow" hx-get="/alerty/"')
    assert part.content.decode().strip() in client.get(PATH).content.decode()
    assert (client.head(PATH).status_code, client.head(PATH).content) == (200, b"")
    assert "private" in part.headers["Cache-Control"]
    again = client.get(PATH, headers={"If-None-Match": client.get(PATH).headers["ETag"]})
    assert again.status_code == 304
    assert client.put(PATH).status_code == 405
    assert 'hx-get="/ui/alerts?instrument=BTCUSD"' in client.get("/ui/alerts?instrument=BTC").content.decode()


def test_before_anything_is_typed_it_says_what_saving_needs(client: Client) -> None:
    shown = page_text(client, PATH)
    assert "Zapis wymaga konta operatora albo tokenu API z prawem zapisu." in shown
    assert "Zapis z tokenem na tej stronie wymaga skryptów" in shown
    assert "Po wypełnieniu pól podgląd pokaże" in shown
    content = client.get(PATH).content.decode()
    field = re.search(r'<input id="token"[^>]*>', content)
    assert field is not None
    assert 'autocomplete="off"' in field[0]
    assert "name=" not in field[0], "a field without a name is in no address and in no form"
    assert "csrfmiddlewaretoken" not in content, "the same page for everybody has one ETag"


def test_a_preview_counts_as_the_api_does(client: Client) -> None:
    closes = ["106" if n in {10, 20} else "100" for n in range(30)]
    minutes = [5 * n for n in range(30)]
    bars = [bar(f"2026-10-26 {8 + at // 60:02}:{at % 60:02}", *[close] * 4, timeframe="5m")
            for at, close in zip(minutes, closes, strict=True)]  # fmt: skip
    save_bars(bars, source("binance", ["BTCUSDT"]))
    save_prices([price("100", 1, "BTCUSDT")], Source.objects.get(code="binance"))
    asked = MOVE | {"instrument": "BTCUSDT", "okno": "30"}
    told = client.post(
        "/api/v1/alerts/preview", {"asset": "BTCUSDT", "window_minutes": 30, "threshold_pct": 5, "direction": "up"},
        content_type="application/json",
    ).json()  # fmt: skip
    assert told["times"] == 1
    shown = preview(client, asked).replace("\u00a0", " ")
    assert "BTCUSDT: wzrost o co najmniej 5% w ciągu 30 minut." in shown
    assert "Zadziałałaby 1 raz w ciągu 1 dnia, ostatnio 26.10.2026." in shown
    assert not AlertRule.objects.exists()
    assert not AlertNumber.objects.exists()


def test_a_preview_of_official_rates_looks_at_the_days(client: Client, dollar: Instrument) -> None:
    shown = preview(client, MOVE | {"instrument": "USD", "okno": "1440"}).replace("\u00a0", " ")
    assert "Zadziałałaby 1 raz w ciągu 5 dni, ostatnio 21.10.2026." in shown


@pytest.mark.slow
def test_a_choice_that_an_address_leaves_out_is_shown_as_the_rule_has_it(client: Client, dollar: Instrument) -> None:
    asked = {name: value for name, value in MOVE.items() if name != "kierunek"} | {"instrument": "USD", "okno": "1440"}
    content = client.get(PREVIEW, asked).content.decode()
    assert "USD: wzrost albo spadek o" in content.replace("\u00a0", " ")
    assert '<option value="both" selected>' in content


@pytest.mark.slow
def test_an_address_with_an_instrument_fills_the_form_in_and_asks_for_its_preview(
    client: Client, dollar: Instrument
) -> None:
    content = client.get(PATH, {"instrument": "usd"}).content.decode()
    form = content.partition('<form class="rule"')[2]
    for name, value in (("instrument", "USD"), ("okno", "1440"), ("prog", "5")):
        assert f'name="{name}" value="{value}"' in form
    assert 'hx-trigger="load, input from:#pola' in form
    assert 'hx-trigger="input from:#pola' in client.get(PATH).content.decode()
    asked = SIGNAL | {"instrument": "BTC", "interwal": "4h"}
    form = client.get(PATH, asked).content.decode().partition('<form class="rule"')[2]
    assert 'value="signal" id="rodzaj-signal" checked' in form
    assert '<option value="4h" selected>' in form
    hostile = client.get(PATH, {"instrument": "BTC", "prog": '"><script>', "okno": "x" * 5000}).content.decode()
    assert "<script>" not in hostile.partition('<form class="rule"')[2].partition("</form>")[0]
    assert len(hostile) < 30_000


@pytest.mark.slow
def test_the_filter_offers_what_is_followed_and_keeps_what_is_chosen(client: Client, dollar: Instrument) -> None:
    content = client.get(PATH, {"instrument": "usd"}).content.decode()
    choices = content.partition('<select name="instrument"')[2].partition("</select>")[0]
    offered = dict(re.findall(r'<option value="(\w+)"( selected)?>', choices))
    assert {"BTCUSD", "ETHUSD"} <= set(offered)
    assert [code for code, chosen in offered.items() if chosen] == ["USD"]
    part = client.get(PATH, {"instrument": "usd"}, headers=HTMX).content.decode()
    assert 'hx-get="/alerty/?instrument=USD" hx-trigger="refresh" hx-swap="outerHTML" data-every="15"' in part


def test_a_level_is_typed_as_people_write_it(client: Client) -> None:
    shown = preview(client, LEVEL).replace("\u00a0", " ")
    assert "BTCUSD: cena poniżej poziomu 64 000,5 USD." in shown


def test_a_rule_of_signals_says_when_it_will_fire(client: Client, dollar: Instrument) -> None:
    shown = preview(client, SIGNAL)
    assert "USD: nowy sygnał reguły MACD 12/26/9 na świecach dziennych. Zadziała przy pierwszym nowym sygnale" in shown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        (MOVE | {"instrument": "BTCUSX"}, "instrument", "Nie ma takiej nazwy. Najbliższe: BTCUSD"),
        (MOVE | {"instrument": ""}, "instrument", "To pole trzeba wypełnić."),
        (MOVE | {"instrument": "\0"}, "instrument", ""),
        (MOVE | {"instrument": "x" * 100}, "instrument", ""),
        (MOVE | {"okno": "0"}, "okno", "Okno musi mieć co najmniej minutę."),
        (MOVE | {"okno": "99999999"}, "okno", "Okno jest dłuższe niż przechowywana historia."),
        (MOVE | {"okno": "1,5"}, "okno", "Podaj pełne minuty."),
        (MOVE | {"okno": ""}, "okno", "To pole trzeba wypełnić."),
        (MOVE | {"prog": "0"}, "prog", "Próg musi być większy od 0 i nie większy niż 1000%."),
        (MOVE | {"prog": "1e9"}, "prog", "Próg musi być większy od 0 i nie większy niż 1000%."),
        (MOVE | {"prog": "5.00001"}, "prog", "Za dużo miejsc po przecinku."),
        (MOVE | {"prog": "NaN"}, "prog", "Podaj liczbę, na przykład 5 albo 4,2."),
        (MOVE | {"prog": "<b>"}, "prog", "Podaj liczbę, na przykład 5 albo 4,2."),
        (MOVE | {"prog": "9" * 500}, "prog", "Podaj liczbę, na przykład 5 albo 4,2."),
        (MOVE | {"kierunek": "sideways"}, "kierunek", ""),
        (LEVEL | {"poziom": "-1"}, "poziom", "Poziom musi być ceną większą od 0."),
        (LEVEL | {"poziom": ""}, "poziom", "To pole trzeba wypełnić."),
        (SIGNAL | {"instrument": "BTC", "regula": "nope"}, "regula", "Nie ma takiego instrumentu ani reguły."),
        (SIGNAL | {"instrument": "BTC", "interwal": "15m"}, "interwal", ""),
    ],
)  # fmt: skip
def test_what_means_nothing_is_said_at_its_field(client: Client, asked: dict[str, str], field: str, words: str) -> None:
    found = errors(client, asked)
    assert list(found) == [field]
    assert found[field].startswith(words)
    assert found[field]


@pytest.mark.slow
def test_a_window_shorter_than_a_day_says_that_there_is_one_rate_a_day(client: Client, dollar: Instrument) -> None:
    assert "1440" in errors(client, MOVE | {"instrument": "USD"})["okno"]


def test_a_form_with_faults_keeps_what_was_typed(client: Client) -> None:
    content = client.get(PREVIEW, MOVE | {"prog": '"><b>', "okno": "77"}).content.decode()
    assert 'value="&quot;&gt;&lt;b&gt;"' in content
    assert 'value="77"' in content
    assert 'aria-describedby="prog-blad" aria-invalid="true"' in content


def test_a_field_of_another_kind_is_neither_read_nor_a_fault(client: Client) -> None:
    assert "BTCUSD: cena poniżej" in preview(client, LEVEL | {"okno": "x", "prog": "x", "regula": "x"})
    assert "BTCUSD: wzrost" in preview(client, MOVE | {"rodzaj": "disk", "poziom": "x"})


def test_the_fragment_says_the_faults_at_the_fields_but_not_that_one_is_still_empty(client: Client) -> None:
    content = client.get(PREVIEW, MOVE | {"instrument": "", "prog": "x"}, headers=HTMX).content.decode()
    assert '<small class="error" id="prog-blad" hx-swap-oob="true">Podaj liczbę' in content
    assert '<small class="error" id="instrument-blad" hx-swap-oob="true"></small>' in content
    assert "<html" not in content


def test_the_fragment_asked_for_directly_is_a_page(client: Client) -> None:
    for asked in ({}, MOVE):
        response = client.get(PREVIEW, asked)
        assert response.status_code == 200
        assert '<html lang="pl">' in response.content.decode()
        assert 'id="lista-alertow" hx-get="/alerty/"' in response.content.decode()
    assert client.head(PREVIEW).status_code == 200
    assert client.post(PREVIEW).status_code == 405


def test_prices_that_pages_may_not_show_are_not_previewed(client: Client, gecko: Source) -> None:
    save_prices([price("67400", 2)], gecko)
    assert "Nie ma jeszcze notowań" not in preview(client, MOVE)
    Source.objects.filter(pk=gecko.pk).update(public_display=False)
    assert "Nie ma jeszcze notowań" in preview(client, MOVE)


@pytest.mark.slow
def test_the_rule_for_the_token_is_what_the_api_takes(client: Client, dollar: Instrument) -> None:
    for asked in (MOVE | {"prog": "5,25"}, LEVEL, SIGNAL):
        response = client.get(PREVIEW, asked, headers=HTMX)
        said = response.context["answer"]["json"]
        sent = client.post("/api/v1/alerts", said, content_type="application/json",
                           headers={"Authorization": "Bearer let-me-in"})  # fmt: skip
        assert sent.status_code == 201, sent.content
        assert json.loads(said)["asset"] == sent.json()["asset"]


def fields_of(content: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', content))


@pytest.mark.slow
def test_a_session_saves_what_the_preview_shows(operator: Client) -> None:
    content = operator.get(PREVIEW, MOVE | {"prog": "5,25"}, headers=HTMX).content.decode()
    fields = fields_of(content)
    token = fields.pop("csrfmiddlewaretoken")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    assert strict.post(PATH, fields).status_code == 403
    assert not AlertRule.objects.exists()
    response = strict.post(PATH, fields | {"csrfmiddlewaretoken": token})
    made = AlertRule.objects.get()
    assert (response.status_code, response.headers["Location"]) == (302, f"/alerty/?zapisano={made.pk}#reguly")
    assert (made.instrument.code, made.window_minutes, made.threshold_pct) == ("BTCUSD", 60, Decimal("5.25"))  # type: ignore[union-attr]
    assert (made.direction, made.cooldown_minutes, made.enabled, made.created_by) == ("up", 60, True, "anna")
    assert f"Zapisano regułę nr {made.pk}." in page_text(operator, f"/alerty/?zapisano={made.pk}")
    assert "Zapisano" not in page_text(operator, "/alerty/?zapisano=999")
    assert "Zmień lub usuń w panelu" in page_text(operator, PATH)


@pytest.mark.slow
@pytest.mark.parametrize("asked", [LEVEL, SIGNAL])
def test_every_kind_can_be_saved(operator: Client, dollar: Instrument, asked: dict[str, str]) -> None:
    fields = fields_of(operator.get(PREVIEW, asked, headers=HTMX).content.decode())
    assert operator.post(PATH, fields).status_code == 302
    assert AlertRule.objects.get().kind == asked["rodzaj"]


def test_what_cannot_be_saved_comes_back_with_its_faults(operator: Client) -> None:
    response = operator.post(PATH, MOVE | {"prog": "-5"})
    assert response.status_code == 422
    assert "Próg musi być większy od 0" in response.content.decode()
    assert not AlertRule.objects.exists()


@pytest.mark.parametrize("permissions", [[], ["view_alertrule"]])
def test_an_account_without_the_permission_saves_nothing(client: Client, permissions: list[str]) -> None:
    user = User.objects.create_user("piotr", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    response = client.post(PATH, MOVE)
    assert response.status_code == 403
    assert "To konto nie ma uprawnienia do dodawania reguł." in text_of(response.content.decode())
    assert 'id="zapis"' in client.get(PATH).content.decode()
    assert not AlertRule.objects.exists()


def test_an_account_with_the_permission_alone_saves(client: Client) -> None:
    user = User.objects.create_user("piotr", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="add_alertrule"))
    client.force_login(user)
    assert client.post(PATH, MOVE).status_code == 302
    assert AlertRule.objects.get().created_by == "piotr"


def test_nobody_and_a_token_of_the_api_save_nothing_through_the_page(client: Client) -> None:
    assert client.post(PATH, MOVE).status_code == 403
    assert client.post(PATH, MOVE, headers={"Authorization": "Bearer let-me-in"}).status_code == 403
    assert not AlertRule.objects.exists()


@pytest.mark.slow
def test_a_worker_loads_numpy_with_its_first_preview_and_not_with_the_page() -> None:
    code = "import django, sys; django.setup(); import charon.urls; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("False")
