"""The walks that people come for, against `manage.py demo`: each says what it cost in clicks, keys and seconds."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from e2e.browser import Visitor
from e2e.demo import Demo
from e2e.effort import Effort, Efforts
from tests.processes import until

Visit = Callable[..., Visitor]
SIZES: dict[int, dict[str, Any]] = {
    1280: {"viewport": {"width": 1280, "height": 900}},
    360: {"viewport": {"width": 360, "height": 740}, "has_touch": True},
}
LANGUAGES = ("", "/en")
FITS = "document.documentElement.scrollWidth - innerWidth"
# Seconds until a price is asked for twice, evaluated and told.
FIRES = 120_000
VIEW = re.compile(r"[?&]od=\d{4}-.*&do=\d{4}-")
# A job that failed, as the journal has them after a source was away.
FAILED = """
from markets import clock
from markets.models import Job, Source
Job.objects.create(source=Source.objects.get(code="nbp"), job_type="nbp.A", status="failed", error="HTTP 503",
    started_at=clock.now(), finished_at=clock.now())
"""
# Two days of a currency that the archive lacks; the bank has them.
MISSING = """
from datetime import datetime, UTC
from markets.models import Gap, Rate, Source
Rate.objects.filter(instrument__code="CHF", effective_date__range=("2025-02-04", "2025-02-06")).delete()
Gap.objects.update_or_create(source=Source.objects.get(code="nbp"), table="A", reason="failed", defaults={
    "from_time": datetime(2025, 2, 4, tzinfo=UTC), "to_time": datetime(2025, 2, 6, tzinfo=UTC)})
"""
everywhere = pytest.mark.parametrize(("start", "width"), [(start, width) for start in LANGUAGES for width in SIZES])
# Where language and width change nothing but the words.
twice = pytest.mark.parametrize(("start", "width"), [("", 1280), ("/en", 360)])


class Walker:
    """A visitor with what he has done so far."""

    def __init__(self, demo: Demo, visitor: Visitor, efforts: Efforts, start: str, width: int) -> None:
        self.demo, self.visitor, self.efforts, self.start, self.width = demo, visitor, efforts, start, width

    @contextmanager
    def walk(self, name: str, path: str) -> Iterator[tuple[Page, Effort]]:
        page = self.visitor.page
        with self.efforts.of(page, name, self.start, self.width) as effort:
            self.visitor.open(self.start + path)
            yield page, effort
        assert page.locator("html").get_attribute("lang") == (self.start.removeprefix("/") or "pl")
        assert page.evaluate(FITS) <= 0


@pytest.fixture
def walker(demo: Demo, visit: Visit, efforts: Efforts, start: str, width: int) -> Walker:
    return Walker(demo, visit(demo, **SIZES[width]), efforts, start, width)


@everywhere
def test_the_rate_of_today_is_there_before_a_click(walker: Walker) -> None:
    said = httpx.get(f"{walker.demo.url}/api/v1/convert?from=EUR&to=PLN&amount=1", timeout=30).json()
    shown = said["rate"] if walker.start else said["rate"].replace(".", ",")
    with walker.walk("today's rate of the euro", "/") as (page, _effort):
        tile = page.locator(".tile").filter(has_text="EUR").first
        expect(tile).to_contain_text(shown)
        box = tile.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < SIZES[walker.width]["viewport"]["height"]  # no scroll either


@everywhere
def test_the_rate_for_tax_by_keyboard(walker: Walker) -> None:
    with walker.walk("rate for tax, keyboard only", "/kurs-podatkowy/") as (page, effort):
        expect(page.locator("#data")).to_be_focused()
        effort.press("Control+a")
        effort.type("17.3.2025")
        effort.press("Enter")
        expect(page.locator("#odpowiedz-kurs")).to_contain_text("051/A/NBP/2025")
    expect(page.locator("#odpowiedz-kurs")).to_contain_text("3.8509" if walker.start else "3,8509")
    assert effort.clicks == 0
    assert effort.keys == 11


@twice
def test_a_past_month_as_a_table_and_as_a_file(walker: Walker, tmp_path: Path) -> None:
    with walker.walk("a past month as CSV", "/waluty/EUR/") as (page, effort):
        effort.click(page.locator("#historia .years summary"))
        effort.click(page.locator("#historia .years a", has_text="2025"))
        effort.click(page.locator("#historia .months").first.locator("a").nth(2))
        expect(page).to_have_url(re.compile(r"rok=2025&miesiac=3"))
        with page.expect_download() as given:
            effort.click(page.locator("#historia .files a").first)
    target = tmp_path / "month.csv"
    given.value.save_as(target)
    shown = page.locator("#historia tbody tr")
    days = shown.locator("time").evaluate_all("all => all.map(one => one.dateTime)")
    mids = [text.replace(",", ".").strip() for text in shown.locator("td.number:nth-child(2)").all_inner_texts()]
    assert len(days) == 21
    assert in_file(target) == dict(zip(days, mids, strict=True))


def in_file(path: Path) -> dict[str, str]:
    """Day and mid of the rows of table A, whatever else the file has."""
    text = path.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines(), dialect=csv.Sniffer().sniff(text.splitlines()[0], ",;\t")))
    return {row["effective_date"]: row["mid"].replace(",", ".") for row in rows if row["mid"]}


@everywhere
def test_candles_of_a_coin_zoom_and_a_switch(walker: Walker) -> None:
    with walker.walk("candles of BTC, zoom, RSI", "/krypto/") as (page, effort):
        effort.click(page.locator("table.scan a[href$='/krypto/BTCUSDT/']").first)
        assert walker.visitor.draws()
        drawing = page.locator("#wykres-rysunek")
        drawing.scroll_into_view_if_needed()
        drawing.focus()
        effort.press("+", "+", "+")
        expect(page).to_have_url(VIEW)
        rsi = page.locator("input[name=wskazniki][value=rsi]")
        turned_on = not rsi.is_checked()
        effort.click(rsi)
        panel = page.locator("#panel-rsi")
        expect(panel).to_be_visible() if turned_on else expect(panel).to_be_hidden()
    kept = page.url
    assert VIEW.search(kept)
    assert "wskazniki=" in kept
    page.reload()
    assert walker.visitor.draws()
    assert page.url == kept
    assert page.locator("input[name=wskazniki][value=rsi]").is_checked() is turned_on


@everywhere
def test_a_signal_and_why(walker: Walker) -> None:
    with walker.walk("a signal and why", "/") as (page, effort):
        to_menu(page, effort, "/sygnaly/")
        effort.click(page.locator("#lista-sygnalow a.whole").first)
        expect(page.locator(".why")).to_be_visible()
    expect(page.locator(".why")).to_contain_text(re.compile(r"\d[.,]\d"))
    expect(page.locator("table.bars tbody tr").first).to_be_visible()
    expect(page.locator("#bilans")).to_be_visible()


def to_menu(page: Page, effort: Effort, path: str) -> None:
    """By the menu; what a phone has no room for is behind its last entry."""
    entry = page.locator(f"nav.menu a[href$='{path}']").first
    if not entry.is_visible():
        effort.click(page.locator("nav.menu summary"))
    effort.click(entry)


@twice
def test_an_alert_made_and_fired(walker: Walker) -> None:
    """A move of 0.001 % within five minutes: the first price arms it, the next one fires."""
    walker.demo.sign_in(walker.visitor, walker.start, "/krypto/BTCUSDT/")
    share = "0.001" if walker.start else "0,001"
    told = received(walker.demo)
    with walker.walk("an alert made", "/krypto/BTCUSDT/") as (page, effort):
        effort.click(page.locator("a[href*='/alerty/'][href$='#nowa']").first)
        form = page.locator("form.rule")
        expect(form.locator("[name=instrument]")).to_have_value("BTCUSDT")
        effort.fill(form.locator("[name=okno]"), "5")
        effort.fill(form.locator("[name=prog]"), share)
        expect(page.locator("#podglad strong")).to_contain_text(share)
        effort.click(page.locator("#podglad form.keep button"))
        expect(page.locator(".truth.good")).to_be_visible()
    number = re.search(r"\d+", page.locator(".truth.good strong").inner_text())
    assert number
    walker.visitor.open(f"{walker.start}/alerty/?instrument=BTCUSDT")
    fired = page.locator("#lista-alertow tr[id^=alert-]", has_text=share).first
    expect(fired).to_be_visible(timeout=FIRES)  # the list asks again by itself
    until(lambda: received(walker.demo) > told, 60)
    walker.visitor.open(f"{walker.start}/admin/alerts/delivery/")
    # The daily try of the channel may be newer.
    expect(page.locator("#result_list tbody tr", has_text="BTC").first).to_be_visible()


def received(demo: Demo) -> int:
    return json.dumps(httpx.get(f"{demo.receiver}received", timeout=30).json()).count("BTC")


@twice
def test_an_operator_pauses_a_source_and_resumes_it(walker: Walker) -> None:
    walker.demo.sign_in(walker.visitor, walker.start, "/admin/")
    with walker.walk("a source paused", "/admin/") as (page, effort):
        effort.click(page.locator("#sources-title + * a, #sources-title a, a[href$='/admin/markets/source/']").first)
        row = page.locator("#result_list tr", has=page.locator("code", has_text=re.compile("^ecb$")))
        effort.click(row.locator("a[href*='/do/pause/']"))
        if page.locator("input[name=reason][required]").count():
            effort.fill(page.locator("input[name=reason]"), "e2e")
        effort.click(page.locator(".submit-row .default"))
        expect(row.locator("a[href*='/do/resume/']")).to_be_visible()
    row.locator("a[href*='/do/resume/']").click()
    if page.locator("input[name=reason][required]").count():
        page.locator("input[name=reason]").fill("e2e")
    page.locator(".submit-row .default").click()
    expect(row.locator("a[href*='/do/pause/']")).to_be_visible()


@twice
def test_an_operator_retries_a_job(walker: Walker) -> None:
    walker.demo.manage("shell", "-c", FAILED)
    walker.demo.sign_in(walker.visitor, walker.start, "/admin/")
    with walker.walk("a failed job tried again", "/admin/") as (page, effort):
        effort.click(page.locator("#shortcuts a[href$='/admin/markets/job/']"))
        failed = page.locator("#result_list tr", has_text="HTTP 503").first
        effort.click(failed.locator("a[href*='/do/retry/']"))
        effort.click(page.locator(".submit-row .default"))
        expect(page.locator(".messagelist li")).to_be_visible()
    expect(page.locator(".messagelist .success, .messagelist .warning")).to_have_count(1)


@twice
def test_an_operator_heals_a_gap(walker: Walker) -> None:
    walker.demo.manage("shell", "-c", MISSING)
    walker.demo.sign_in(walker.visitor, walker.start, "/admin/")
    with walker.walk("a gap healed", "/admin/") as (page, effort):
        effort.click(page.locator("#shortcuts a[href$='/admin/markets/gap/']"))
        effort.click(page.locator("#result_list a[href*='/do/heal/']").first)
        effort.click(page.locator(".submit-row .default"))
        expect(page.locator(".messagelist .success")).to_be_visible()
    there = f"{walker.demo.url}/waluty/CHF/?rok=2025&miesiac=2"
    until(lambda: "2025-02-05" in httpx.get(there, timeout=30).text, 90)
