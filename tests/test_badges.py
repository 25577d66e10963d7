"""The badge and the sparkline: what they say, in which colours, and that a reader who sees nothing is told the same."""

from base64 import b64encode
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from markets.jobs import runs
from markets.models import Job, Source
from markets.records import RateRecord
from markets.store.prices import save_bars, save_prices
from miner.providers import PROVIDERS
from tests.market import bar, price, source
from tests.test_pages_instrument import FRIDAY, history, save, table, working_days

pytestmark = pytest.mark.django_db
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def saturday(at: Callable[[str], None], nbp: Source) -> None:
    at("2026-11-21 09:00")


def picture(client: Client, path: str) -> ET.Element:
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    return ET.fromstring(response.content)


def texts(root: ET.Element) -> list[str]:
    return ["".join(one.itertext()).replace("\u00a0", " ") for one in root.iter(f"{SVG}text")]


def rates(nbp: Source, *values: str, code: str = "USD", letter: str = "A") -> None:
    days = working_days(len(values))
    mids = [RateRecord(code, mid=Decimal(value)) for value in values]
    save(nbp, [table(day, mid, letter) for day, mid in zip(days, mids, strict=True)])


def test_a_badge_says_the_figure_and_its_day(client: Client, nbp: Source) -> None:
    rates(nbp, "3.8640", "3.8647")
    root = picture(client, "/badge/USD.svg")
    assert texts(root) == ["USD", "3,8647 zł · 20.11.2026"]
    title = root.findtext(f"{SVG}title", "").replace("\u00a0", " ")
    assert title == "dolar amerykański: 1 USD = 3,8647 zł (tabela A z 20.11.2026)"
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "t")


def test_a_badge_in_english(client: Client, nbp: Source) -> None:
    rates(nbp, "3.8640", "3.8647")
    assert texts(picture(client, "/badge/USD.svg?lang=en")) == ["USD", "3.8647 PLN · 20 Nov 2026"]


@pytest.mark.parametrize(
    ("values", "way"),
    [(("3.86", "3.87"), "up"), (("3.87", "3.86"), "down"), (("3.86", "3.86"), "flat"), (("3.86",), "flat")],
)
def test_the_colour_is_the_way_it_went(client: Client, nbp: Source, values: tuple[str, ...], way: str) -> None:
    rates(nbp, *values)
    assert [one.get("class") for one in picture(client, "/badge/USD.svg").iter(f"{SVG}rect")][1:] == ["left", way]


def test_gold_is_by_the_gram(client: Client, nbp: Source) -> None:
    rates(nbp, "522.40", code="XAU", letter="gold")
    root = picture(client, "/badge/XAU.svg")
    assert root.findtext(f"{SVG}title", "").replace("\u00a0", " ") == "złoto: 1 g = 522,40 zł (20.11.2026)"


def test_a_figure_that_is_not_the_newest_says_so(client: Client, nbp: Source, at: Callable[[str], None]) -> None:
    """Monday's table is missing from 12:45 on, as everywhere."""
    rates(nbp, "3.86", "3.87")
    at("2026-11-23 12:44")
    assert texts(picture(client, "/badge/USD.svg"))[1] == "3,87 zł · 20.11.2026"
    at("2026-11-23 12:45")
    root = picture(client, "/badge/USD.svg")
    assert texts(root)[1] == "3,87 zł · 20.11.2026 · nieaktualne"
    assert [one.get("class") for one in root.iter(f"{SVG}rect")][-1] == "flat"


def test_a_currency_that_left_its_table_is_not_called_late(client: Client, nbp: Source) -> None:
    rates(nbp, "3.86", "3.87")
    history(nbp, "HRK", count=3, until=date(2022, 12, 30))
    assert texts(picture(client, "/badge/HRK.svg"))[1].endswith("30.12.2022 · wycofana")


def test_a_market_has_its_moment(client: Client, at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")
    row = source("coingecko", ["BTC"])
    save_prices([price("67321.5", ticker="bitcoin")], row, runs.start("coingecko.quotes", row, Job.Trigger.COMMAND))
    assert texts(picture(client, "/badge/BTC.svg")) == ["BTCUSD", "67 321,50 USD · 26.10.2026, 12:00"]
    Source.objects.filter(code="coingecko").update(public_display=False)
    assert texts(picture(client, "/badge/BTC.svg"))[1] == "brak danych"


def test_a_market_is_drawn_from_its_daily_candles(client: Client, at: Callable[[str], None]) -> None:
    at("2026-10-26 12:00")
    row = source("binance", ["BTCUSDT"])
    job = runs.start("binance.candles.1d", row, Job.Trigger.COMMAND)
    days = [f"2026-10-{day} 00:00" for day in range(20, 26)]
    bars = [bar(day, "100", "110", "90", str(100 + number), timeframe="1d") for number, day in enumerate(days)]
    save_bars(bars, row, job)
    save_prices([price("107", ticker="BTCUSDT")], row, job)
    assert len(line(picture(client, "/spark/BTCUSDT.svg"))) == 7
    assert len(line(picture(client, "/spark/BTCUSDT.svg?days=3"))) == 3


def line(root: ET.Element) -> list[str]:
    found = root.find(f"{SVG}polyline")
    return [] if found is None else found.get("points", "").split()


def test_a_sparkline_draws_the_days_that_were_asked_for(client: Client, nbp: Source) -> None:
    history(nbp, count=300)
    since = FRIDAY - timedelta(days=89)
    assert len(line(picture(client, "/spark/USD.svg"))) == sum(day >= since for day in working_days(300))
    assert len(line(picture(client, "/spark/USD.svg?days=30"))) == 21
    assert len(line(picture(client, "/spark/USD.svg?days=2"))) == 2


def test_a_long_line_keeps_its_ends_and_its_extremes(client: Client, nbp: Source) -> None:
    history(nbp, count=900)
    root = picture(client, "/spark/USD.svg?days=3660")
    assert 200 < len(line(root)) < 260
    heights = [float(point.split(",")[1]) for point in line(root)]
    assert (min(heights), max(heights)) == (2.0, 54.0)


def test_what_a_line_shows_is_said(client: Client, nbp: Source) -> None:
    rates(nbp, "3.8000", "3.9000", "3.7000", "3.8647")
    root = picture(client, "/spark/USD.svg")
    said = root.findtext(f"{SVG}desc", "").replace("\u00a0", " ")
    assert said == "Od 17.11.2026 do 20.11.2026: najniżej 3,7000 zł, najwyżej 3,9000 zł."
    assert root.get("aria-labelledby") == "t d"


def test_one_figure_is_no_line(client: Client, nbp: Source) -> None:
    rates(nbp, "3.8647")
    root = picture(client, "/spark/USD.svg")
    assert (line(root), texts(root), root.find(f"{SVG}desc")) == ([], ["brak danych"], None)


def test_a_line_is_of_one_unit(client: Client, nbp: Source) -> None:
    """The Syrian pound of 2026 is a hundred old ones."""
    days = working_days(12, until=date(2026, 1, 14))
    save(nbp, [table(day, RateRecord("SYP", mid=Decimal("0.03")), "B") for day in days])
    root = picture(client, "/spark/SYP.svg")
    assert 0 < len(line(root)) == len([day for day in days if day >= date(2026, 1, 7)]) < 12


@pytest.mark.parametrize("path", ["/badge/USD.svg", "/spark/USD.svg"])
def test_a_theme_is_the_readers_or_the_one_that_is_asked(client: Client, nbp: Source, path: str) -> None:
    history(nbp, count=5)
    drawn = {theme: picture(client, f"{path}?theme={theme}") for theme in ("auto", "light", "dark")}
    styles = {theme: root.findtext(f"{SVG}style", "") for theme, root in drawn.items()}
    assert len(set(styles.values())) == 3
    assert styles["auto"] == f"{styles['light']}@media(prefers-color-scheme:dark){{{styles['dark']}}}"
    assert picture(client, path).findtext(f"{SVG}style") == styles["auto"]


@pytest.mark.parametrize("path", ["/badge/USD.svg", "/spark/USD.svg?theme=dark"])
def test_a_picture_runs_and_loads_nothing(client: Client, nbp: Source, path: str) -> None:
    history(nbp, count=5)
    response = client.get(path)
    root = ET.fromstring(response.content)
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= {
        *("svg", "title", "desc", "style", "clipPath", "g", "rect", "text", "polygon", "polyline", "circle"),
    }
    assert not [name for one in root.iter() for name in one.attrib if name.startswith("on") or "href" in name]
    digest = b64encode(sha256(root.findtext(f"{SVG}style", "").encode()).digest()).decode()
    assert response.headers["Content-Security-Policy"] == f"default-src 'none'; style-src 'sha256-{digest}'"


def test_the_texts_are_inside_the_badge(client: Client, nbp: Source) -> None:
    rates(nbp, "3.8640", "3.8647")
    root = picture(client, "/badge/USD.svg")
    ends = [float(one.get("x", "")) + float(one.get("textLength", "")) for one in root.iter(f"{SVG}text")]
    rects = [float(one.get("width", "")) for one in root.iter(f"{SVG}rect")]
    assert rects[0] == rects[1] + rects[2] == float(root.get("width", ""))
    assert ends[0] < rects[1] < ends[1] < rects[0]


def test_a_demo_says_so(client: Client, nbp: Source, settings: Any) -> None:
    settings.DEMO = True
    rates(nbp, "3.8647")
    assert texts(picture(client, "/badge/USD.svg"))[0] == "DEMO USD"


def test_the_archive_is_of_the_same_series(client: Client, archive: Source, nbp: Source) -> None:
    days = working_days(5)
    save(archive, [table(day, RateRecord("USD", mid=Decimal("3.80"))) for day in days[:4]])
    save(nbp, [table(days[4], RateRecord("USD", mid=Decimal("3.90")))])
    assert len(line(picture(client, "/spark/USD.svg"))) == 5
    Source.objects.filter(pk=archive.pk).update(public_api=False)
    assert line(picture(client, "/spark/USD.svg")) == []
    assert PROVIDERS["nbp_archive"].fallback_for == "nbp"
