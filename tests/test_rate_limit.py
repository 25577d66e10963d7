"""The call budget: one window for all processes of a house."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from markets import clock
from markets.models import Source
from miner.fetch import cooldown, rate_limit
from miner.fetch.call_window import Allowance
from miner.fetch.rate_limit import Exhausted
from miner.models import Spent
from tests.processes import ROOT, environment, manage

FIVE = Allowance(5, 60)
FIVE_WITH_RESERVE = Allowance(5, 60, reserve=3)

pytestmark = pytest.mark.django_db


def test_the_limit_is_kept_and_the_next_call_is_told_when(nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 12:00:00")
    for _ in range(5):
        rate_limit.take(nbp, FIVE)
    at("2026-11-20 12:00:59")
    with pytest.raises(Exhausted) as caught:
        rate_limit.take(nbp, FIVE)
    assert f"{caught.value.until:%H:%M:%S}" == "11:01:00"
    at("2026-11-20 12:01:00")
    rate_limit.take(nbp, FIVE)


def test_no_border_of_a_window_lets_twice_the_limit_through(nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 12:00:55")
    for _ in range(5):
        rate_limit.take(nbp, FIVE)
    at("2026-11-20 12:01:05")
    with pytest.raises(Exhausted):
        rate_limit.take(nbp, FIVE)


def test_a_reserve_is_for_critical_instruments_alone(nbp: Source) -> None:
    rate_limit.take(nbp, FIVE_WITH_RESERVE)
    rate_limit.take(nbp, FIVE_WITH_RESERVE)
    with pytest.raises(Exhausted):
        rate_limit.take(nbp, FIVE_WITH_RESERVE)
    for _ in range(3):
        rate_limit.take(nbp, FIVE_WITH_RESERVE, critical=True)
    with pytest.raises(Exhausted):
        rate_limit.take(nbp, FIVE_WITH_RESERVE, critical=True)


def test_weights_add_up(nbp: Source) -> None:
    rate_limit.take(nbp, Allowance(1200, 60), calls=1190)
    with pytest.raises(Exhausted):
        rate_limit.take(nbp, Allowance(1200, 60), calls=11)
    rate_limit.take(nbp, Allowance(1200, 60), calls=10)


def test_waiting_is_counted_and_logged(
    nbp: Source, at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    at("2026-11-20 12:00:00")
    for _ in range(5):
        rate_limit.take(nbp, FIVE)
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        at("2026-11-20 12:01:00")

    monkeypatch.setattr("miner.fetch.rate_limit.time.sleep", sleep)
    with caplog.at_level("INFO", logger="miner.fetch.rate_limit"):
        rate_limit.take(nbp, FIVE, patience=90)
    assert naps == [5.0]
    assert "The budget of nbp is used up; waiting 60.0 s" in caplog.text
    told = rate_limit.state(nbp, FIVE)
    assert (told.total_calls, told.total_waits) == (6, 1)


def test_the_state_has_every_field_of_the_contract(nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 12:00:00")
    assert rate_limit.state(nbp, FIVE) == rate_limit.Budget(5, 60, 0, 5, None, 0, 0)
    rate_limit.take(nbp, FIVE)
    at("2026-11-20 12:00:30")
    rate_limit.take(nbp, FIVE)
    told = rate_limit.state(nbp, FIVE)
    assert (told.current_calls, told.remaining, told.total_calls) == (2, 3, 2)
    assert told.reset_at == clock.now() + timedelta(seconds=30)


def test_a_source_that_wants_rest_gets_it_from_everybody(nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-20 12:00:00")
    cooldown.block(nbp, 120)
    cooldown.block(nbp, 10)
    at("2026-11-20 12:01:59")
    with pytest.raises(Exhausted):
        rate_limit.take(nbp, FIVE, critical=True)
    assert rate_limit.state(nbp, FIVE).remaining == 0
    at("2026-11-20 12:02:01")
    rate_limit.take(nbp, FIVE)


def test_what_the_source_counted_beyond_ours_is_taken_as_well(nbp: Source) -> None:
    rate_limit.take(nbp, Allowance(1200, 60), calls=100)
    rate_limit.answered(nbp, Allowance(1200, 60), 900)
    assert rate_limit.state(nbp, Allowance(1200, 60)).current_calls == 900
    rate_limit.answered(nbp, Allowance(1200, 60), 50)
    assert rate_limit.state(nbp, Allowance(1200, 60)).current_calls == 900


def test_what_the_source_itself_allows_counts_where_it_is_less(nbp: Source) -> None:
    rate_limit.record_allowed(nbp, 2)
    rate_limit.take(nbp, Allowance(10, 60, reserve=5), 1)
    with pytest.raises(Exhausted):
        rate_limit.take(nbp, Allowance(10, 60, reserve=5), 1)
    rate_limit.take(nbp, Allowance(10, 60, reserve=5), 1, critical=True)
    assert rate_limit.state(nbp, Allowance(10, 60)).remaining == 0
    rate_limit.record_allowed(nbp, 6000)
    assert rate_limit.state(nbp, Allowance(10, 60)).limit == 10


def test_a_clock_set_back_does_not_block_for_ever(nbp: Source, at: Callable[[str], None]) -> None:
    """Less than a window back, the calls count as made now; further back they are void."""
    at("2026-11-20 13:00:30")
    for _ in range(5):
        rate_limit.take(nbp, FIVE)
    at("2026-11-20 13:00:00")
    with pytest.raises(Exhausted) as caught:
        rate_limit.take(nbp, FIVE)
    assert caught.value.until <= clock.now() + timedelta(seconds=60)
    at("2026-11-20 12:00:00")
    assert rate_limit.take(nbp, FIVE) == 0.0


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 4), st.booleans()), max_size=25))
def test_in_no_window_more_than_the_limit_goes_out(
    nbp: Source, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[int, int, bool]]
) -> None:
    Spent.objects.all().delete()
    now = clock.now()
    taken: list[tuple[float, int, bool]] = []
    for pause, calls, critical in steps:
        now += timedelta(seconds=pause)
        monkeypatch.setattr(clock, "now", lambda moment=now: moment)
        try:
            rate_limit.take(nbp, FIVE_WITH_RESERVE, calls, critical)
        except Exhausted:
            continue
        taken.append((now.timestamp(), calls, critical))
        window = [row for row in taken if row[0] > now.timestamp() - 60]
        assert len(window) == 1 or sum(row[1] for row in window) <= (5 if critical else 2)


TAKER = """
import sys, django
django.setup()
from markets.models import Source
from miner.fetch import call_window, rate_limit
source, got = Source.objects.get(code="nbp"), 0
for _ in range(20):
    try:
        rate_limit.take(source, call_window.Allowance(30, 600))
        got += 1
    except rate_limit.Exhausted:
        pass
print(got)
"""


@pytest.mark.processes
def test_processes_share_one_window(tmp_path: Path) -> None:
    env = environment(tmp_path, PYTHONPATH=str(ROOT))
    for command in ("migrate", "sync"):
        assert manage(command, env=env).returncode == 0
    takers = [
        subprocess.Popen([sys.executable, "-c", TAKER], env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    got = [int(taker.communicate(timeout=60)[0]) for taker in takers]
    assert sum(got) == 30
