"""`manage.py alerts test`: the operators' own cases, what does not hold, and what is wrong with a file."""

from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from signals.alerts import case_file
from signals.alerts.cases import failures
from signals.alerts.machine import NOTHING
from tests.test_docs import ROOT

EXAMPLE = ROOT / "docs" / "alert-cases.toml"
HEAD = """
[[case]]
name = "one"
start = 2026-01-05T10:00:00Z
every = "1m"
"""
SERIES = 'series.BTCUSD = "100x9 105"\n'
RULE = 'rule = [{id="btc", window="10m", threshold_pct=5, direction="up"}]\n'
EXPECT = 'expect = [{at="10m", events=1}]\n'


def run(path: Path) -> str:
    out = StringIO()
    call_command("alerts", "test", str(path), stdout=out)
    return out.getvalue()


def written(folder: Path, text: str) -> Path:
    path = folder / "cases.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_of_the_docs_holds() -> None:
    told = run(EXAMPLE)
    assert told.splitlines()[0] == "ok     5 % once"
    assert told.splitlines()[-1] == "5 of 5 hold"


def test_what_does_not_hold_is_told_by_moment_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expect = 'expect = [{at="9m", events=0}, {at="10m", firing=[], events=2, state="armed"}]\n'
    path = written(tmp_path, HEAD + SERIES + RULE + expect + HEAD + SERIES + RULE + EXPECT)
    with pytest.raises(SystemExit) as ended:
        call_command("alerts", "test", str(path))
    assert ended.value.code == 1
    assert capsys.readouterr().out.splitlines() == [
        "failed one",
        f"       {path}:2: at 10m: firing is [btc], expected []",
        f"       {path}:2: at 10m: events is 1, expected 2",
        f"       {path}:2: at 10m: state is btc firing, expected btc armed",
        "ok     one",
        "1 of 2 hold",
    ]


def test_values_are_written_as_in_promtool() -> None:
    assert case_file.samples("X", "5 1+2x3 9-0.5x2 4x1") == [
        Decimal(one) for one in ("5", "1", "3", "5", "7", "9", "8.5", "8.0", "4", "4")
    ]
    assert case_file.samples("X", "_ _x3 stale") == ["_", "_", "_", "_", "stale"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no [[case]]"),
        ("[[case]\n", "is no TOML: "),
        ("cases = 1\n", "cases is no key of the file; did you mean case?"),
        (HEAD + SERIES + RULE, "line 2, case 'one': expect is missing"),
        (HEAD + SERIES + RULE + EXPECT + "[[case]]\nname = 'two'\n", "line 9, case 'two': start is missing"),
        (HEAD + RULE + EXPECT, "line 2, case 'one': series is missing"),
        (HEAD + SERIES + RULE + EXPECT + "evry = 1\n", "evry is no key of a case; did you mean every?"),
        (HEAD.replace("Z", "") + SERIES + RULE + EXPECT, "start has no time zone"),
        (HEAD.replace('"1m"', '"1 minute"') + SERIES + RULE + EXPECT, "every '1 minute' is no length of time"),
        (HEAD.replace('"1m"', '"0m"') + SERIES + RULE + EXPECT, "every must be above 0"),
        (HEAD + SERIES.replace("105", "1o5") + RULE + EXPECT, "series BTCUSD: '1o5' is no value; write 100, 100x9"),
        (HEAD + SERIES.replace("105", "5-1x9") + RULE + EXPECT, "'5-1x9' comes to 0, and a price is above 0"),
        (HEAD + SERIES.replace("105", "1x999999") + RULE + EXPECT, "more than 105120 values"),
        (HEAD + SERIES + RULE.replace("threshold", "treshold") + EXPECT,
         "rule 'btc': treshold_pct is no key of a rule; did you mean threshold_pct?"),
        (HEAD + SERIES + RULE.replace("=5", "=0") + EXPECT, "rule 'btc': threshold_pct must be above 0"),
        (HEAD + SERIES + RULE.replace("=5", "='5'") + EXPECT, "rule 'btc': threshold_pct must be a number"),
        (HEAD + SERIES + RULE.replace("10m", "90s") + EXPECT, "rule 'btc': window and cooldown are whole minutes"),
        (HEAD + SERIES + RULE.replace('"up"', '"upp"') + EXPECT, "direction must be one of up, down, both"),
        (HEAD + SERIES + RULE.replace("id=", "kind='level', id=") + EXPECT, "rule 'btc': threshold_pct means nothing"),
        (HEAD + SERIES + RULE.replace("id=", "asset='ETHUSD', id=") + EXPECT, "asset must be one of BTCUSD"),
        (HEAD + SERIES + "series.ETHUSD = '1'\n" + RULE + EXPECT, "asset is missing; there are the series"),
        (HEAD + SERIES + RULE.replace("}]", "}, {id='btc', window='1m', threshold_pct=1}]") + EXPECT,
         "rule id btc is there twice"),
        (HEAD + SERIES + RULE + EXPECT.replace("events", "event"), "event is no key of expect; did you mean events?"),
        (HEAD + SERIES + RULE + EXPECT.replace("events=1", "events=-1"), "expect at 10m: events must be a count"),
        (HEAD + SERIES + RULE + EXPECT.replace("events=1", "firing=['eth']"), "firing must be a list of btc"),
        (HEAD + SERIES + RULE + EXPECT.replace("events=1", "state='off'"), "state must be armed, firing, suspended"),
        (HEAD + SERIES + RULE + EXPECT.replace(", events=1", ""), "expect at 10m says nothing"),
        (HEAD + SERIES + "rule = []\n" + EXPECT, "rule is empty"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_one_line_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(CommandError) as raised:
        run(path)
    assert raised.value.returncode == 2
    told = str(raised.value)
    assert told.startswith(f"{path}: ")
    assert words in told
    assert "\n" not in told


@pytest.mark.parametrize("name", ["none.toml", ""])
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError, match="cannot be read: "):
        run(tmp_path / name)
    with pytest.raises(CommandError, match="it is not UTF-8"):
        (tmp_path / "odd").write_bytes(b"\xff\xfe")
        run(tmp_path / "odd")


def test_a_case_is_run_by_the_machine_and_not_by_the_clock() -> None:
    """The same file holds whenever it is run, however old or young its prices are."""
    text = HEAD + SERIES + RULE + EXPECT
    for year in ("1999", "2026", "2199"):
        [case] = case_file.read(text.replace("2026", year))
        assert list(failures(case)) == []


def test_a_broken_rule_of_the_machine_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signals.alerts.cases.advance", lambda _watch, standing, _seen: (standing, NOTHING))
    cases = case_file.read(EXAMPLE.read_text(encoding="utf-8"))
    assert all(list(failures(case)) for case in cases)


def test_pauses_silence_a_source_where_the_case_says_how_long_a_price_is_fresh() -> None:
    text = HEAD + 'fresh_for = "2m"\n' + 'series.BTCUSD = "100 _x3 110"\n' + RULE
    [case] = case_file.read(
        text + 'expect = [{at="2m", state="armed"}, {at="3m", state="suspended"}, {at="4m", events=0}]\n'
    )
    assert list(failures(case)) == []
    [without] = case_file.read(text.replace('fresh_for = "2m"\n', "") + 'expect = [{at="4m", events=1}]\n')
    assert list(failures(without)) == []


def test_after_twenty_messages_the_rest_of_a_storm_is_one_more() -> None:
    rules = ", ".join(f'{{id="r{number}", window="30m", threshold_pct=5}}' for number in range(25))
    wanted = ((10, 20), (19, 20), (20, 21))
    moments = ", ".join(f'{{at="{at}m", events=25, deliveries={count}}}' for at, count in wanted)
    [case] = case_file.read(f'{HEAD}series.BTCUSD = "100x9 105x20"\nrule = [{rules}]\nexpect = [{moments}]\n')
    assert list(failures(case)) == []
