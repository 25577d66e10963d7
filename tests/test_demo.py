"""`manage.py demo`: what it starts ends with it, and what there is to be seen."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import psutil
import pytest
from django.core.management.base import CommandError
from django.db.models import Count, Max
from django_q.models import OrmQ

from charon.management.commands import demo
from charon.processes import data_dir_lock
from markets import clock
from markets.jobs import runs
from markets.models import Gap, Instrument, Publication, Revision, Source
from markets.store import gaps
from miner.fetch import cooldown
from miner.providers.binance import COINS
from miner.providers.coingecko import CoinGecko
from signals import claims
from tests.processes import ROOT
from tests.replica import Replica
from tests.test_gaps_heal import work_off

# A script that only waits stands for `up`, and makes no account: these tests are about which processes end together.
DEMO = """
import sys, django
django.setup()
from charon.management.commands import demo
demo.MANAGE = sys.argv[1]
demo.Command().handle()
"""
# It outlasts every wait of these tests: one that ended by itself would look like one that was ended.
UP = """
import sys, time
if sys.argv[1] in {"admin", "demo"}:
    sys.exit()
print("open", flush=True)
time.sleep(600)
"""
Demo = tuple["subprocess.Popen[str]", list[psutil.Process]]


@pytest.fixture
def open_demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo and its family: `up` and the replicas, each with its child runner. None outlives a red test."""
    up = tmp_path / "up.py"
    up.write_text(UP)
    environment = {
        "DATA_DIR": str(tmp_path),
        "PATH": "/usr/bin",
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    with subprocess.Popen(
        [sys.executable, "-c", DEMO, str(up)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as demo:
        family = []
        try:
            assert demo.stdout is not None
            said = [demo.stdout.readline()[:7] for _ in range(6)]
            assert said == ["DEMO: p", "  today", "  admin", "  alert", "  gaps:", "open\n"]
            family = psutil.Process(demo.pid).children(recursive=True)
            yield demo, family
        finally:
            demo.kill()
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.kill()


def alive_of(family: list[psutil.Process]) -> list[psutil.Process]:
    return list(psutil.wait_procs(family, 60)[1])


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_the_demo(open_demo: Demo, number: signal.Signals) -> None:
    demo, family = open_demo
    assert len(family) == 4
    demo.send_signal(number)
    demo.wait(60)
    assert alive_of(family) == []


@pytest.mark.processes
@pytest.mark.parametrize("victim", ["demo", "runner of up"])
def test_nothing_outlives_a_demo_that_is_killed(open_demo: Demo, victim: str) -> None:
    demo, family = open_demo
    if victim == "demo":
        demo.kill()
    else:
        next(
            one for one in family if {"up.py", "child_runner.py"} <= {Path(word).name for word in one.cmdline()}
        ).kill()
    demo.wait(60)
    assert alive_of(family) == []


@pytest.fixture
def street(at: Callable[[str], None], nbp: Source, replica: Replica) -> Replica:
    at("2026-10-26 13:00")
    return replica


@pytest.mark.slow
def test_the_first_screen_has_rates_by_which_nobody_decides_before_those_of_earlier_years(street: Replica) -> None:
    demo.fetch_newest_tables()
    assert len(street.requests) == 4
    newest = Publication.objects.values("table").annotate(last=Max("effective_date"), days=Count("pk"))
    found = {row["table"]: (str(row["last"]), row["days"] > 12) for row in newest}
    monday = "2026-10-26", True
    assert found == {"A": monday, "gold": monday, "C": monday, "B": ("2026-10-21", True)}
    assert {row.table for row in Gap.objects.filter(reason=Gap.Reason.FIRST_FILL)} >= set("ABC")
    assert not claims.whole(Instrument.objects.filter(code="USD")).exists()


@pytest.mark.slow
def test_a_second_start_asks_for_what_is_new_alone(street: Replica, at: Callable[[str], None]) -> None:
    street.set_today(date(2026, 10, 23))
    at("2026-10-23 13:00")
    demo.fetch_newest_tables()
    before = len(street.requests)
    demo.fetch_newest_tables()
    assert len(street.requests) == before
    street.set_today(None)
    at("2026-10-26 13:00")
    demo.fetch_newest_tables()
    assert Publication.objects.filter(effective_date="2026-10-26").count() == 3
    assert not Revision.objects.exists()


@pytest.mark.slow
def test_the_gap_is_healed_by_an_operator_s_job(street: Replica) -> None:
    day = date(2026, 10, 12)
    street.service.empty("C", day)
    demo.fetch_newest_tables()
    gap = Gap.objects.get(table="C", reason=Gap.Reason.REFUSED)
    assert (gap.from_time.date(), gap.instrument) == (day, None)
    street.service.mend("C", day)
    with runs.job("nbp.C", gap.source):
        assert not demo.wish_healed()
    OrmQ.objects.all().delete()
    assert demo.wish_healed()
    assert work_off() == ["success"]
    assert not Gap.objects.filter(table="C").exclude(reason=Gap.Reason.FIRST_FILL).exists()
    assert Publication.objects.filter(table="C", effective_date=day).exists()
    assert demo.wish_healed(), "nothing is missing any more"


def test_what_an_earlier_start_waited_for_is_asked_for_at_once(street: Replica, nbp: Source) -> None:
    later = clock.now() + timedelta(hours=20)
    gaps.failed(nbp, gaps.of_days("A", date(2026, 10, 20), date(2026, 10, 21)), Gap.Reason.EMPTY)
    Gap.objects.update(next_try=later, tries=6)
    cooldown.block(nbp, 600)
    demo.forget_waits()
    assert Gap.objects.get().next_try == clock.now()
    assert not cooldown.is_cooling_down(nbp)


def test_ten_coins_within_the_calls_of_their_sources_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert len(demo.environment({})["ASSETS"].split(",")) + 3 < CoinGecko.limit
    monkeypatch.setenv("ASSETS", "BTC")
    env = demo.environment({})
    assert env["ASSETS"] == "BTC"
    assert env["BINANCE_SYMBOLS"].count("USDT") == 10
    assert {symbol.removesuffix("USDT") for symbol in env["BINANCE_SYMBOLS"].split(",")} <= set(COINS)


@pytest.mark.parametrize("name", [data_dir_lock.NAME, data_dir_lock.DEMO])
def test_a_second_demo_on_one_folder_ends_before_it_changes_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setattr(demo, "leashed", lambda *_, **__: pytest.fail("something was started"))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with data_dir_lock.take(tmp_path, name), pytest.raises(CommandError, match=str(tmp_path)):
        demo.Command().handle()
