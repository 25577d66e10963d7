"""Trying again: how often, how long between two tries, and what it costs."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import stamina

from miner.fetch import retry
from miner.fetch.errors import ExpectedData, ProviderError, Refused, Unreachable, Unreadable

JITTERED = [(1, 1.5), (2, 2.5), (4, 4.5)]


class Clock:
    """Time that passes only by waiting; the waits are written down."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, no_waiting: None) -> Clock:
    """The waits are the real ones, but nobody sits through them."""
    stamina.set_testing(False)
    clock = Clock()
    monkeypatch.setattr("tenacity.nap.time", clock)
    monkeypatch.setattr(retry, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def answering(*answers: object) -> Callable[[], object]:
    """Work that gives these answers in turn; an exception is raised."""
    rest: Iterator[object] = iter(answers)

    def work() -> object:
        answer = next(rest)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return work


def test_work_that_succeeds_is_done_once_without_a_wait(clock: Clock) -> None:
    traffic = retry.Traffic()
    assert retry.call(answering("body"), traffic) == "body"
    assert (traffic.requests, traffic.retries, traffic.waited_seconds, clock.waits) == (1, 0, 0.0, [])


def test_the_waits_are_1_2_and_4_seconds_with_jitter(clock: Clock) -> None:
    road = Unreachable("no road")
    assert retry.call(answering(road, road, road, "body"), retry.Traffic()) == "body"
    assert len(clock.waits) == 3
    assert all(low <= wait <= high for wait, (low, high) in zip(clock.waits, JITTERED, strict=True))


def test_the_jitter_is_drawn_anew_for_each_run(clock: Clock) -> None:
    for _ in range(8):
        retry.call(answering(Unreachable("no road"), "body"), retry.Traffic())
    assert len(set(clock.waits)) == 8


def test_four_tries_are_the_most_and_the_last_error_comes_out(clock: Clock) -> None:
    traffic, errors = retry.Traffic(), [Unreachable(str(number)) for number in range(1, 6)]
    with pytest.raises(Unreachable, match="4"):
        retry.call(answering(*errors), traffic)
    assert (traffic.requests, traffic.retries, len(clock.waits)) == (4, 3, 3)


def test_what_the_provider_asks_for_goes_before_our_own_waits(clock: Clock) -> None:
    errors = [Unreachable("busy", 7), Unreachable("busy"), Unreachable("busy", 0)]
    retry.call(answering(*errors, "body"), retry.Traffic())
    assert clock.waits[0] == 7.0
    assert 2 <= clock.waits[1] <= 2.5
    assert clock.waits[2] == 0.0


@pytest.mark.parametrize("asked", [30.5, 3600, float("inf")])
def test_a_provider_that_asks_for_more_than_half_a_minute_is_left_to_the_next_run(clock: Clock, asked: float) -> None:
    traffic = retry.Traffic()
    with pytest.raises(Unreachable):
        retry.call(answering(Unreachable("busy", asked)), traffic)
    assert (traffic.requests, clock.waits) == (1, [])


def test_half_a_minute_is_still_waited(clock: Clock) -> None:
    assert retry.call(answering(Unreachable("busy", 30), "body"), retry.Traffic()) == "body"
    assert clock.waits == [30.0]


@pytest.mark.parametrize(
    "error",
    [Refused("no", 403), Unreadable("not JSON"), ExpectedData("empty"), ProviderError("else"), ValueError("ours")],
    ids=lambda error: type(error).__name__,
)
def test_only_the_road_is_tried_again(clock: Clock, error: Exception) -> None:
    traffic = retry.Traffic()
    with pytest.raises(type(error)):
        retry.call(answering(error), traffic)
    assert (traffic.requests, traffic.retries, clock.waits) == (1, 0, [])


def test_a_refusal_after_a_bad_road_ends_the_tries(clock: Clock) -> None:
    traffic = retry.Traffic()
    with pytest.raises(Refused):
        retry.call(answering(Unreachable("no road"), Refused("no", 400)), traffic)
    assert (traffic.requests, traffic.retries) == (2, 1)


def test_who_has_no_patience_does_not_try_again(clock: Clock) -> None:
    with pytest.raises(Unreachable):
        retry.call(answering(Unreachable("no road")), retry.Traffic(), patience=0)
    assert clock.waits == []


def test_tries_end_with_the_patience(clock: Clock) -> None:
    traffic = retry.Traffic()
    with pytest.raises(Unreachable):
        retry.call(answering(*[Unreachable("no road")] * 4), traffic, patience=2.9)
    # 1 to 1.5 s leave some of it, 2 to 2.5 s more do not.
    assert traffic.requests == 3


def test_the_time_of_the_work_itself_is_taken_from_the_patience(clock: Clock) -> None:
    def work() -> None:
        clock.now += 10
        raise Unreachable("no answer in time")

    with pytest.raises(Unreachable):
        retry.call(work, retry.Traffic(), patience=8)
    assert clock.waits == []


def test_a_wait_asked_for_that_outlasts_the_patience_is_not_begun(clock: Clock) -> None:
    with pytest.raises(Unreachable):
        retry.call(answering(Unreachable("busy", 9)), retry.Traffic(), patience=8)
    assert clock.waits == []


def test_waiting_is_counted_and_work_is_not(clock: Clock) -> None:
    traffic, answers = retry.Traffic(), answering(Unreachable("busy", 3), Unreachable("busy", 5), "body")

    def work() -> object:
        clock.now += 0.5
        return answers()

    retry.call(work, traffic)
    assert (traffic.requests, traffic.retries, traffic.waited_seconds) == (3, 2, 8.0)


def test_the_calls_of_one_run_add_up(clock: Clock) -> None:
    traffic = retry.Traffic()
    retry.call(answering("body"), traffic)
    retry.call(answering(Unreachable("busy", 2), "body"), traffic)
    assert (traffic.requests, traffic.retries, traffic.waited_seconds) == (3, 1, 2.0)


def test_after_the_end_of_the_run_nothing_is_tried_again(clock: Clock) -> None:
    traffic = retry.Traffic()

    def work() -> None:
        traffic.stop()
        raise Unreachable("no road")

    with pytest.raises(Unreachable):
        retry.call(work, traffic)
    assert (traffic.requests, clock.waits) == (1, [])


def test_a_run_that_ends_during_a_wait_gets_no_further_request(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    traffic = retry.Traffic()
    monkeypatch.setattr(clock, "sleep", lambda _: traffic.stop())
    with pytest.raises(Unreachable):
        retry.call(answering(Unreachable("no road"), "body"), traffic)
    assert traffic.requests == 1


def test_a_request_that_finds_the_run_ended_names_what_ended_it() -> None:
    traffic = retry.Traffic()
    with pytest.raises(Refused, match="HTTP 400"):
        retry.call(lambda: _refuse("HTTP 400"), traffic)
    with pytest.raises(Refused, match="HTTP 400"):
        retry.call(lambda: 1, traffic)
    assert traffic.requests == 1


def _refuse(text: str) -> int:
    raise Refused(text, 400)
