"""The chart as a visitor uses it: crosshair, zoom, switches, shapes, gaps, keys; without scripts, without libraries."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from e2e.browser import Visitor
from e2e.installation import Installation

Visit = Callable[..., Visitor]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
CANVAS = "#wykres-kursu"
READ = "#wykres-odczyt"
EXPLANATION = re.compile(r"/sygnaly/\d+/$")
VIEW = "() => { const { min, max } = Chart.getChart('wykres-kursu').scales.x; return [min, max]; }"
SHIFT = """() => new Promise((done) => {
  new PerformanceObserver((list) => done(list.getEntries().reduce((sum, one) => sum + one.value, 0)))
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(0), 300);
})"""
# The first days of February 2025 without tables A: they are to be brought.
MISSING = """
from datetime import datetime, UTC
from markets.models import Gap, Rate, Source
days = ("2025-02-04", "2025-02-06")
Rate.objects.filter(instrument__code="CHF", effective_date__range=days).delete()
Gap.objects.update_or_create(source=Source.objects.get(code="nbp"), table="A", reason="failed", defaults={
    "from_time": datetime(2025, 2, 4, tzinfo=UTC), "to_time": datetime(2025, 2, 6, tzinfo=UTC)})
"""
CANDLES = """
from datetime import datetime, timedelta, UTC
from math import sin
from markets.models import Candle, Listing
listing = Listing.objects.select_related("source", "instrument").get(source__code="binance", instrument__code="BTCUSDT")
start, price, rows = datetime(2026, 10, 6, 11, tzinfo=UTC), 60000.0, []
for number in range(480):
    last, price = price, 60000 + 900 * sin(number / 17) + 200 * sin(number / 3)
    rows.append(Candle(instrument=listing.instrument, source=listing.source, timeframe="1h", volume=100 + number % 40,
        open_time=start + timedelta(hours=number), open=round(last, 2), close=round(price, 2),
        high=round(max(last, price) + 30, 2), low=round(min(last, price) - 30, 2)))
Candle.objects.bulk_create(rows, ignore_conflicts=True)
"""


@pytest.fixture
def chart(visit: Visit, installation: Installation) -> Callable[..., Visitor]:
    def opened(path: str, **settings: Any) -> Visitor:
        visitor = visit(installation, **settings)
        visitor.open(path)
        assert visitor.draws()
        visitor.page.locator("#wykres").scroll_into_view_if_needed()
        return visitor

    return opened


@pytest.fixture(scope="module")
def traded(installation: Installation) -> Installation:
    installation.manage("shell", "-c", CANDLES)
    return installation


def middle(page: Page, share: float = 0.5) -> tuple[float, float]:
    box = page.locator(CANVAS).bounding_box()
    assert box is not None
    return box["x"] + box["width"] * share, box["y"] + box["height"] * 0.2


def edges(page: Page) -> tuple[date, date]:
    """What the address says is in view, once the zoom stands there."""
    page.wait_for_url(re.compile(r"[?&]od=\d.*&do=\d"))
    found = dict(re.findall(r"[?&](od|do)=(\d{4}-\d\d-\d\d)", page.url))
    return date.fromisoformat(found["od"]), date.fromisoformat(found["do"])


def test_one_crosshair_reads_the_values_of_every_panel(chart: Callable[..., Visitor]) -> None:
    page = chart("/waluty/USD/?wskazniki=macd,rsi,bollinger").page
    expect(page.locator(READ)).to_contain_text("26.10.2026")
    page.mouse.move(*middle(page))
    expect(page.locator(READ)).to_have_text(
        re.compile(r"\d\d\.0[34]\.2026\s*Kurs średni \d,\d{4}\s?zł\s*Kupno–sprzedaż .*EMA12 .*Górna wstęga \d,\d{4}")
    )
    expect(page.locator("#panel-macd .reading")).to_have_text(re.compile(r"MACD .*Linia sygnału .*Histogram "))
    expect(page.locator("#panel-rsi .reading")).to_have_text(re.compile(r"RSI\(14\) \d\d,\d\d"))
    read = page.locator("#panel-rsi .reading").inner_text()
    page.mouse.move(*middle(page, 0.7))
    expect(page.locator("#panel-rsi .reading")).not_to_have_text(read)


def test_zoom_by_wheel_is_kept_in_the_address_over_a_reload_and_undone_by_a_double_click(
    chart: Callable[..., Visitor],
) -> None:  # fmt: skip
    page = chart("/waluty/EUR/?zakres=Max").page
    coarse = page.locator("#wykres-uwagi").text_content() or ""
    assert "wykres pokazuje co" in coarse
    page.mouse.move(*middle(page))
    for _ in range(17):
        page.mouse.wheel(0, -200)
    first, last = edges(page)
    assert 100 < (last - first).days < 400
    expect(page.locator("#wykres-uwagi")).not_to_contain_text("wykres pokazuje co")
    page.reload()
    page.wait_for_function("() => window.Chart?.getChart('wykres-kursu')")
    assert edges(page) == (first, last)
    expect(page.locator(READ)).to_contain_text(f"{last:%d.%m.%Y}")
    page.mouse.dblclick(*middle(page))
    page.wait_for_url(re.compile(r"/waluty/EUR/\?zakres=Max$"))
    expect(page.locator("#wykres-uwagi")).to_have_text(coarse)


def test_a_drag_zooms_shift_moves_and_the_button_shows_the_whole_again(chart: Callable[..., Visitor]) -> None:
    page = chart("/waluty/USD/").page
    (x, y), (far, _) = middle(page, 0.4), middle(page, 0.6)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(far, y, steps=4)
    page.mouse.up()
    first, last = edges(page)
    assert 60 < (last - first).days < 90
    page.keyboard.down("Shift")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(far, y, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.wait_for_url(lambda url: f"od={first}" not in url)
    earlier, end = edges(page)
    assert earlier < first
    assert end < last
    page.get_by_role("button", name="Cały zakres").click()
    page.wait_for_url(re.compile(r"/waluty/USD/$"))


def test_two_fingers_zoom(chart: Callable[..., Visitor]) -> None:
    page = chart("/waluty/USD/", **PHONE).page
    before = page.evaluate(VIEW)
    x, y = middle(page)
    session = page.context.new_cdp_session(page)

    def touch(kind: str, distance: float) -> None:
        points = (
            [] if kind == "touchEnd" else [{"x": x - distance, "y": y, "id": 1}, {"x": x + distance, "y": y, "id": 2}]
        )
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 20)
    for distance in (30, 45, 60, 80):
        touch("touchMove", distance)
    touch("touchEnd", 0)
    first, last = edges(page)
    after = page.evaluate(VIEW)
    assert after[1] - after[0] < 0.5 * (before[1] - before[0])
    assert (last - first).days < 190


def test_keys_move_by_a_day_and_say_it(chart: Callable[..., Visitor]) -> None:
    page = chart("/waluty/USD/").page
    page.locator("#wykres-rysunek").focus()
    page.keyboard.press("Home")
    expect(page.locator(READ)).to_contain_text("27.10.2025")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#announcement")).to_have_text(re.compile(r"wt\. 28\.10\.2025, Kurs średni 3,\d{4}\szł"))
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(READ)).to_contain_text("23.10.2026")
    page.keyboard.press("+")
    first, _last = edges(page)
    assert first > date(2025, 10, 28)
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile(r"/waluty/USD/$"))


def test_switches_stand_in_the_address_and_work_with_each_other(chart: Callable[..., Visitor]) -> None:
    page = chart("/waluty/EUR/?zakres=5R").page
    for name, title in (("rsi", "RSI"), ("bollinger", "wstęgi Bollingera"), ("ribbon", "wstążka średnich")):
        page.get_by_role("checkbox", name=title).check()
        expect(page).to_have_url(re.compile(rf"wskazniki=[a-z,]*{name}"))
    page.wait_for_function("() => Chart.getChart('wykres-kursu').data.datasets.length === 3 + 2 + 3 + 8")
    expect(page.locator("#wykres-rsi")).to_be_visible()
    page.get_by_role("checkbox", name="RSI").uncheck()
    expect(page.locator("#wykres-rsi")).to_be_hidden()
    page.get_by_role("checkbox", name="skala logarytmiczna").check()
    page.wait_for_function("() => Chart.getChart('wykres-kursu').scales.y.type === 'logarithmic'")
    page.get_by_label("porównaj z").select_option("USD")
    expect(page.locator(READ)).to_have_text(re.compile(r"EUR \d+,\d\d\s*USD \d+,\d\d\s*100 = pierwszy widoczny dzień"))
    page.mouse.move(*middle(page, 0.06))
    page.locator("#wykres-rysunek").focus()
    page.keyboard.press("Home")
    expect(page.locator(READ)).to_contain_text(re.compile(r"EUR 100,00\s*USD 100,00"))
    page.reload()
    page.wait_for_function("() => window.Chart?.getChart('wykres-kursu')?.scales.y.type === 'logarithmic'")
    expect(page.get_by_label("porównaj z")).to_have_value("USD")
    for title in ("MACD", "wstęgi Bollingera", "wstążka średnich"):
        page.get_by_role("checkbox", name=title).uncheck()
    expect(page).to_have_url(re.compile(r"wskazniki=brak&|wskazniki=brak$"))


def test_a_shape_opens_its_explanation_by_mouse_by_finger_and_by_key(chart: Callable[..., Visitor]) -> None:
    page = chart("/waluty/USD/").page
    words, link = page.locator("#sygnal-opis"), page.locator("#sygnal-link")
    page.locator("#sygnal-wczesniej").press("Enter")
    expect(words).to_have_text(re.compile(r"[▲▼] (KUP|SPRZEDAJ) z \d\d\.10\.2026: \d,\d{4}\szł, histogram [+−]0,\d{6}"))
    newest = link.get_attribute("href") or ""
    assert re.fullmatch(r"/sygnaly/\d+/", newest)
    page.locator("#sygnal-wczesniej").press("Space")
    expect(link).not_to_have_attribute("href", newest)
    page.route(EXPLANATION, lambda route: route.fulfill(body="why"))
    page.locator("#wykres-rysunek").focus()
    with page.expect_request(EXPLANATION):
        page.keyboard.press("Enter")
    for settings in ({}, PHONE):
        page = chart("/waluty/USD/", **settings).page
        page.route(EXPLANATION, lambda route: route.fulfill(body="why"))
        found = page.evaluate(
            """async () => {
              const { signals, mid } = await (await fetch(document.getElementById('wykres').dataset.src)).json();
              const { x, y } = Chart.getChart('wykres-kursu').scales, one = signals.at(-4), buy = one.kind === 'BUY';
              return [x.getPixelForValue(one.at), y.getPixelForValue(Number(mid[one.at])) + (buy ? 12 : -12), one.href];
            }"""
        )
        position = {"x": found[0], "y": found[1]}
        with page.expect_request(re.compile(f"{found[2]}$")):
            if settings:
                page.locator(CANVAS).tap(position=position)
                expect(page.locator("#sygnal-link")).to_have_attribute("href", found[2])
                page.locator("#sygnal-link").click()
            else:
                page.locator(CANVAS).click(position=position)


def test_both_kinds_of_gaps_are_marked_and_told(
    chart: Callable[..., Visitor], installation: Installation
) -> None:  # fmt: skip
    installation.manage("shell", "-c", MISSING)
    page = chart("/waluty/CHF/?od=2025-01-20&do=2025-02-20").page
    expect(page.locator("#wykres-uwagi")).to_contain_text("Nie mamy jeszcze danych od 04.02.2025 do 06.02.2025.")
    page.locator("#wykres-rysunek").focus()
    assert page.evaluate("Chart.getChart('wykres-kursu').data.datasets[0].data.includes(null)"), (
        "the line is interrupted"
    )
    page = chart("/waluty/CHF/?od=2005-04-01&do=2005-04-20").page
    expect(page.locator("#wykres-uwagi")).to_contain_text("NBP nie ogłaszał kursów 08.04.2005.")


def test_the_table_comes_when_it_is_asked_for_and_follows_the_zoom(chart: Callable[..., Visitor]) -> None:
    visitor = chart("/waluty/USD/?zakres=1M")
    page = visitor.page
    assert not [url for url in visitor.asked if "/tabela/" in url]
    page.get_by_text("Dane wykresu w tabeli").click()
    expect(page.locator("#tabela-wykresu tbody tr").first).to_contain_text("26.10.2026")
    rows = page.locator("#tabela-wykresu tbody tr").count()
    assert 18 < rows < 26
    page.get_by_role("link", name="3M", exact=True).click()
    expect(page.locator("#tabela-wykresu tbody tr").nth(50)).to_be_visible()
    page.go_back()
    expect(page.locator("#tabela-wykresu tbody tr")).to_have_count(rows)


def test_without_scripts_the_same_switches_are_links_and_a_form(visit: Visit, installation: Installation) -> None:
    page = visit(installation, java_script_enabled=False).page
    page.goto(f"{installation.url}/waluty/USD/")
    expect(page.locator("svg.plain path")).to_be_visible()
    expect(page.locator("canvas").first).to_be_hidden()
    page.get_by_role("checkbox", name="RSI").check()
    page.get_by_role("button", name="Pokaż", exact=True).click()
    expect(page.get_by_role("checkbox", name="RSI")).to_be_checked()
    page.get_by_role("link", name="5R", exact=True).click()
    expect(page.get_by_role("link", name="5R", exact=True)).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("checkbox", name="RSI")).to_be_checked()
    page.get_by_text("Dane wykresu w tabeli").click()
    page.get_by_role("link", name="Otwórz tabelę na osobnej stronie").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("USD: dane wykresu")
    expect(page.get_by_role("columnheader", name="RSI(14)")).to_be_visible()


def test_a_library_that_cannot_be_had_leaves_the_table(visit: Visit, installation: Installation) -> None:
    visitor = visit(installation)
    visitor.page.route("**/static/vendor/chart-*", lambda route: route.abort("internetdisconnected"))
    visitor.open("/waluty/USD/?zakres=1M")
    expect(visitor.page.locator("#bez-wykresu")).to_be_visible()
    expect(visitor.page.locator("#tabela-wykresu tbody tr").first).to_contain_text("26.10.2026")
    visitor.complaints[:] = [text for text in visitor.complaints if "ERR_INTERNET_DISCONNECTED" not in text]


def test_nothing_moves_when_the_chart_arrives_and_english_is_english(chart: Callable[..., Visitor]) -> None:
    page = chart("/en/waluty/USD/", **PHONE).page
    assert page.evaluate(SHIFT) < 0.05
    expect(page.locator(READ)).to_have_text(re.compile(r"Mon 26 Oct 2026\s*Mid rate 3\.\d{4}\sPLN"))
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_candles_have_volume_panels_and_every_indicator(chart: Callable[..., Visitor], traded: Installation) -> None:
    page = chart("/krypto/BTCUSDT/?interwal=1h").page
    assert page.evaluate("Chart.getChart('wykres-kursu').getDatasetMeta(0).type") == "candlestick"
    expect(page.locator("#wykres-volume")).to_be_visible()
    for title in ("RSI", "wstęgi Bollingera", "wstążka średnich", "ściśnięcie", "VWAP"):
        page.get_by_role("checkbox", name=title).check()
    page.wait_for_function("() => Chart.getChart('wykres-kursu').data.datasets.length === 1 + 2 + 3 + 8 + 1")
    page.mouse.move(*middle(page))
    expect(page.locator(READ)).to_have_text(re.compile(r"otwarcie \d\d\s\d{3},\d\d\s*najwyższa .*VWAP"))
    expect(page.locator('.reading[data-panel="volume"]')).to_contain_text("Obrót")
    page.mouse.wheel(0, -400)
    page.wait_for_url(re.compile(r"od=2026-10-\d\dT\d\d:\d\dZ&do=2026-10-\d\dT\d\d:\d\dZ"))


def test_candles_are_drawn_when_their_library_comes_last(traded: Installation, visit: Visit) -> None:
    visitor = visit(traded)
    page, held = visitor.page, dict[str, Route]()
    page.route("**/chart-financial-*", lambda route: held.update(library=route))
    page.route("**/wykres/**", lambda route: held.update(figures=route))
    visitor.open("/krypto/BTCUSDT/")
    page.wait_for_function("() => window.Chart")
    with page.expect_response("**/wykres/**"):
        held["figures"].continue_()
    page.evaluate("() => new Promise((seen) => setTimeout(seen, 300))")
    held["library"].continue_()
    assert visitor.draws()
    expect(page.locator("#bez-wykresu")).to_be_hidden()
