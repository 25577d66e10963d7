"""When a rule fires and when it may fire again; no tables, no clock."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.alerts.machine import Observation, Standing, Transition, Watch, advance
from signals.alerts.windows import Window

START = datetime(2026, 1, 5, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STALE = None
RISE = Watch("move", "up", Decimal(5), hysteresis=Decimal(1), cooldown=60 * MINUTE)


def run(
    watch: Watch, values: Sequence[str | None], window: int = 10, standing: Standing | None = None
) -> list[tuple[int, str, str]]:
    """Minute, what happened, and the state behind it, a value a minute; `STALE` for silence."""
    told, stands, seen = [], standing or Standing(), Window(window * MINUTE)
    for minute, value in enumerate(values):
        time = START + minute * MINUTE
        one = seen.silence(time) if value is STALE else seen.add(time, Decimal(value))
        stands, happened = advance(watch, stands, one)
        if happened.fires or happened.resolves:
            told.append((minute, "fires" if happened.fires else "resolves", stands.state))
    return told


def test_a_move_of_five_percent_fires_once_and_resolves_when_it_has_shrunk() -> None:
    prices = ["100"] * 10 + [str(101 + n) for n in range(10)] + ["110"] * 21
    assert run(RISE, prices) == [(14, "fires", "firing"), (25, "resolves", "armed")]


def test_a_tenth_of_a_tick_below_the_threshold_fires_nothing_and_exactly_on_it_fires() -> None:
    assert run(RISE, ["100", "104.9999999999"]) == []
    assert run(RISE, ["100", "105"]) == [(1, "fires", "firing")]


def test_a_move_inside_the_hysteresis_is_one_event() -> None:
    assert run(RISE, ["100", "105", "104.5", "105.2", "104.1", "106"]) == [(1, "fires", "firing")]


def test_it_rests_between_two_events_and_fires_after_it_if_the_move_is_still_there() -> None:
    watch = RISE._replace(cooldown=4 * MINUTE)
    prices = ["100", "105", "100", "106", "106", "106", "106"]
    assert run(watch, prices) == [(1, "fires", "firing"), (2, "resolves", "armed"), (5, "fires", "firing")]


@pytest.mark.parametrize(
    ("direction", "prices", "way"),
    [("down", ["100", "95"], -5), ("both", ["100", "95"], -5), ("both", ["100", "105"], 5)],
)
def test_the_change_has_a_sign(direction: str, prices: list[str], way: int) -> None:
    window, stands, happened = Window(10 * MINUTE), Standing(), Transition()
    for minute, price in enumerate(prices):
        one = window.add(START + minute * MINUTE, Decimal(price))
        stands, happened = advance(RISE._replace(direction=direction), stands, one)
    assert (happened.fires, happened.change) == (True, Decimal(way))


@pytest.mark.parametrize(("direction", "prices"), [("up", ["100", "90"]), ("down", ["100", "110"])])
def test_a_move_against_the_direction_is_none(direction: str, prices: list[str]) -> None:
    assert run(RISE._replace(direction=direction), prices) == []


def test_a_first_observation_only_arms() -> None:
    window = Window(10 * MINUTE)
    one = window.add(START, Decimal(100))._replace(low=Decimal(1))
    assert advance(RISE, Standing(), one) == (Standing("armed"), Transition())


def test_a_reconnect_is_no_move() -> None:
    assert run(RISE, ["100", STALE, "130", "131", *["131"] * 20]) == []
    rises_later = ["100", STALE, *["130"] * 10, "140", "140"]
    assert run(RISE, rises_later) == [(12, "fires", "firing")], "the window is full ten minutes after the silence"
    assert run(RISE, ["100", STALE, "130", "140", *["140"] * 8]) == [], "it was not yet full"


def test_what_was_open_before_a_silence_resolves_after_it() -> None:
    assert run(RISE, ["100", "105", STALE, *["104"] * 12]) == [(1, "fires", "firing"), (13, "resolves", "armed")]


LEVEL = Watch("level", "up", level=Decimal("4.00"))


def test_a_level_fires_when_it_is_crossed_and_arms_on_its_far_side() -> None:
    prices = ["3.99", "4.00", "4.10", "3.99", "4.01"]
    assert run(LEVEL, prices) == [(1, "fires", "firing"), (3, "resolves", "armed"), (4, "fires", "firing")]
    assert run(LEVEL, ["4.10", "4.20"]) == [], "who is above it already has not crossed it"


def test_the_way_back_over_a_level_is_as_long_as_the_hysteresis() -> None:
    watch = LEVEL._replace(hysteresis=Decimal(1))
    assert run(watch, ["3.99", "4.00", "3.97", "4.01", "3.95", "4.00"]) == [
        (1, "fires", "firing"), (4, "resolves", "armed"), (5, "fires", "firing"),
    ]  # fmt: skip


def test_a_level_watched_in_both_directions_fires_each_way() -> None:
    assert run(LEVEL._replace(direction="both"), ["3.99", "4.01", "3.98"]) == [
        (1, "fires", "firing"), (2, "fires", "firing"),
    ]  # fmt: skip


def test_a_level_that_was_crossed_during_a_silence_fires_nothing() -> None:
    assert run(LEVEL, ["3.90", STALE, *["4.10"] * 12, "3.90", "4.10"]) == [(15, "fires", "firing")]


@pytest.mark.slow
@given(
    st.lists(st.one_of(st.none(), st.integers(50, 150)), min_size=1, max_size=60),
    st.sampled_from(["up", "down", "both"]),
    st.integers(1, 30),
)
def test_events_and_their_ends_take_turns(values: list[int | None], direction: str, window: int) -> None:
    told = run(RISE._replace(direction=direction), [None if one is None else str(one) for one in values], window)
    happened = [what for _, what, _ in told]
    assert happened == ["fires", "resolves"] * (len(happened) // 2) + ["fires"] * (len(happened) % 2)
    fired = [minute for minute, what, _ in told if what == "fires"]
    assert all(later - earlier >= 60 for earlier, later in pairwise(fired))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.integers(1, 12))
def test_the_queues_know_the_extremes_of_the_window(values: list[int], span: int) -> None:
    window = Window(span * MINUTE)
    for minute, value in enumerate(values):
        seen: Observation = window.add(START + minute * MINUTE, Decimal(value))
        inside = values[max(0, minute - span) : minute + 1]
        assert (seen.low, seen.high) == (Decimal(min(inside)), Decimal(max(inside)))
