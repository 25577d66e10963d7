"""The page of one decision: why, what would turn it, the others, the record, and what the ledger has beside it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from markets.models import Instrument, Rate, Source
from signals.explain_rows import explanation
from signals.models import Signal
from signals.queries import TURNS
from tests.market import decision
from tests.outcome_rows import outcome
from tests.test_pages_instrument import text_of
from tests.test_pages_signals import bitcoin, dollar, register  # noqa: F401  fixtures

pytestmark = pytest.mark.django_db
MACD = "macd_signal_cross_12_26_9"
MOST_STATEMENTS = 8


def newest(**fields: Any) -> Signal:
    return Signal.objects.filter(**({"signal__in": TURNS} | fields)).order_by("-as_of", "-version")[0]


def content_of(client: Client, row: Signal, start: str = "") -> str:
    response = client.get(f"{start}/sygnaly/{row.pk}/")
    assert response.status_code == 200
    return response.content.decode()


def words_of(client: Client, row: Signal, start: str = "") -> str:
    spaced = re.sub(r"</(span|dt|dd|h3|small|code|b)>", " ", content_of(client, row, start))
    return re.sub(r"\s+", " ", text_of(spaced).replace("\u00a0", " "))


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_it_says_all_that_the_api_says_in_the_language_of_the_address(client: Client) -> None:
    row = newest(rule=MACD)
    told = explanation(row)
    for start, language in (("", "pl"), ("/en", "en")):
        shown = words_of(client, row, start)
        said = [told["sentence"][language], told["flip"][language], *told["formula"][language]]
        said += [one[language] for one in told["warnings"]]
        said += [f"{name} = {value}" for name, value in told["parameters"].items()]
        for text in said:
            assert text.replace("\u00a0", " ") in shown, (language, text)
    assert f"Stan po świecy {told['flip']['after']:%d.%m.%Y}." in words_of(client, row)


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_the_bars_that_decided_stand_side_by_side(client: Client) -> None:
    row = newest(rule=MACD)
    table = content_of(client, row).partition('<table class="bars">')[2].partition("</table>")[0]
    days = re.findall(r'<th scope="col" class="number">([^<]+)</th>', table)
    published = Rate.objects.filter(effective_date__lte=row.as_of).order_by("-effective_date")[:2][::-1]
    assert days == [f"{one.effective_date:%d.%m.%Y}" for one in published]
    closes = re.findall(
        r'<th scope="row">Kurs</th><td class="number">([^<]+)</td><td class="number">([^<]+)</td>', table
    )
    assert closes == [tuple(f"{one.published('mid'):f}".replace(".", ",") for one in published)]
    assert "Histogram" in table


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_the_other_rules_agree_or_not(client: Client) -> None:
    row = newest(rule=MACD)
    told = explanation(row)["rules"]
    assert told
    rows = content_of(client, row).partition('<table class="others">')[2].partition("</table>")[0].split("<tr>")[2:]
    words = {True: "zgodnie", False: "przeciwnie", None: "ani tak, ani nie"}
    chips = {"BUY": "KUP", "SELL": "SPRZEDAJ", "NEUTRAL": "TRZYMAJ"}
    for one, shown in zip(told, rows, strict=True):
        assert f'<th scope="row">{one["label"]}</th>' in shown
        assert f"</span> {chips[one['stands']]}</span>" in shown
        assert f"<td>{words[one['agrees']]}</td>" in shown


@pytest.mark.slow
def test_decisions_of_a_rule_lead_to_each_other(client: Client, dollar: Instrument) -> None:  # noqa: F811
    listed = list(Signal.objects.filter(rule=MACD, signal__in=TURNS).order_by("as_of"))
    assert len(listed) > 3
    before, row, after = listed[0:3]
    content = content_of(client, row)
    assert f'href="/sygnaly/{before.pk}/" rel="prev"' in content
    assert f'href="/sygnaly/{after.pk}/" rel="next"' in content
    assert "To pierwszy sygnał tej reguły." in content_of(client, before)
    assert "Nowszego sygnału tej reguły jeszcze nie ma." in content_of(client, listed[-1])
    assert f'href="/en/sygnaly/{after.pk}/" rel="next"' in content_of(client, row, "/en")
    taken_back = Signal.objects.get(pk=after.pk)
    taken_back.pk, taken_back.version, taken_back.signal = None, 2, Signal.Label.HOLD
    taken_back.save()
    assert f'href="/sygnaly/{listed[3].pk}/" rel="next"' in content_of(client, row)
    old = content_of(client, after)
    assert f'<a href="/sygnaly/{taken_back.pk}/">Pokaż nowsze wydanie</a>' in old
    assert f'<a href="/sygnaly/{taken_back.pk}/">zastąpione nowszym</a>' in old


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_it_leads_to_the_instrument_to_an_alert_filled_in_and_to_the_json(client: Client) -> None:
    row = newest(rule=MACD)
    content = content_of(client, row)
    assert '<a href="/waluty/USD/">USD</a>' in content
    assert f'href="/api/v1/signals/{row.pk}/explain"' in content
    asked = re.search(r'href="([^"]+)">Alert na ten sygnał', content)
    assert asked
    form = client.get(asked[1].replace("&amp;", "&")).content.decode().partition('<form class="rule"')[2]
    assert 'id="rodzaj-signal" checked' in form
    assert 'name="instrument" value="USD"' in form
    assert f'<option value="{MACD}" selected>' in form


@pytest.mark.slow
def test_the_record_is_shown_apart_and_coloured_only_where_it_differs_from_chance(
    client: Client,
    dollar: Instrument,  # noqa: F811
) -> None:
    row = newest(rule=MACD)
    assert "Bilansu jeszcze nie wyliczono." in words_of(client, row)
    outcome(dollar)
    outcome(dollar, n=12, says="", live=True)
    outcome(dollar, rule="other")
    shown = words_of(client, row)
    assert "Wyliczone wstecz" in shown
    assert "Nie odróżnia się od przypadku" in shown
    assert "Za mało danych: 12 sygnałów, potrzeba 30." in shown
    assert "Trafność 51,3%" in shown
    assert 'class="told"' not in content_of(client, row)
    outcome(dollar, says="better", horizon=20)
    assert 'class="told"' in content_of(client, row)


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_it_asks_few_questions_whatever_it_is_about(client: Client) -> None:
    for rule in ("bollinger_reentry_20_2", MACD):
        path = f"/sygnaly/{newest(rule=rule).pk}/"
        client.get(path)
        with CaptureQueriesContext(connection) as made:
            client.get(path)
        assert len(made) <= MOST_STATEMENTS, [one["sql"] for one in made]


@pytest.mark.slow
def test_a_candle_is_explained_with_as_few(client: Client, bitcoin: Instrument) -> None:  # noqa: F811
    row = newest(timeframe="1h")
    assert "USDT" in words_of(client, row)
    assert '<a href="/krypto/BTCUSDT/">BTCUSDT</a>' in content_of(client, row)
    with CaptureQueriesContext(connection) as made:
        client.get(f"/sygnaly/{row.pk}/")
    assert len(made) <= MOST_STATEMENTS
    Source.objects.filter(code="binance").update(public_display=False)
    assert client.get(f"/sygnaly/{row.pk}/").status_code == 404


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_what_is_not_there_or_may_not_be_shown_is_a_404_with_a_way_on(client: Client) -> None:
    row = newest(rule=MACD)
    for number in ("0", "999999", "9" * 40):
        for start, words in (("", "Nie ma takiego sygnału"), ("/en", "There is no such signal")):
            response = client.get(f"{start}/sygnaly/{number}/")
            assert (response.status_code, words in response.content.decode()) == (404, True), number
            assert f'href="{start}/sygnaly/"' in response.content.decode()
    assert client.get("/sygnaly/x/").status_code == 404
    Source.objects.update(public_api=False)
    assert client.get(f"/sygnaly/{row.pk}/").status_code == 200, "pages have a choice of their own"
    Source.objects.update(public_display=False)
    assert client.get(f"/sygnaly/{row.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"values": {"withdrawn": True}, "signal": "HOLD"}, "Decyzję wycofano"),
        ({"rule": "macd_<b>_5"}, "Reguły z tymi parametrami nie ma już wśród włączonych."),
        ({"values": [], "histogram": None}, "W tym wierszu brakuje liczb"),
        ({"signal": "HOLD"}, "ani warunek kupna, ani warunek sprzedaży"),
    ],
)
def test_a_row_of_another_kind_is_a_page_too(
    client: Client, nbp: Source, changed: dict[str, Any], words: str
) -> None:  # fmt: skip
    row = decision()
    Signal.objects.filter(pk=row.pk).update(**changed)
    content = content_of(client, row)
    assert words in content
    assert "<b>_5" not in content
    assert ("Alert na ten sygnał" in content) == ("rule" not in changed)


@pytest.mark.slow
@pytest.mark.usefixtures("dollar")
def test_htmx_and_a_second_look_get_less(client: Client, at: Callable[[str], None]) -> None:
    path = f"/sygnaly/{newest(rule=MACD).pk}/"
    whole = client.get(path)
    part = client.get(path, headers={"HX-Request": "true"}).content.decode()
    assert part.strip() in whole.content.decode()
    assert "<html" not in part
    at("2026-11-20 18:00")
    assert client.get(path).content == whole.content
    assert client.get(path, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    assert client.post(path).status_code == 405
