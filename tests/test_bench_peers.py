"""The bench beside the peers: what counts as a fault, how a target is judged, and a tiny round without them."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bench.peers import asking, mix, servers, targets, works
from bench.peers.__main__ import report, turns, wire
from bench.peers.asking import Load, Server
from bench.peers.targets import Verdict
from tests.documents.targets import described
from tests.processes import ROOT, environment

SAID = (
    'Running 1s test\n\n{"requests":200,"seconds":2.0,"p50_ms":10.0,"p99_ms":50.5,"bytes":4000,'
    '"refused":3,"connect":0,"read":1,"write":0,"timeout":2}\n'
)
LOAD = Load(200, 2.0, 10.0, 50.5, 20, 0, 0, cpu=4.0, database=1.0)


def measured(**by_way: Load) -> dict[tuple[str, str, int], list[Load]]:
    names = {"ours": servers.OURS, "objects": servers.OBJECTS, "asyncpg": servers.ASYNCPG}
    return {("cold", names[way], 16): [load] for way, load in by_way.items()}


def of_target(found: list[Verdict], beside: str) -> Verdict:
    return next(one for one in found if one.target.beside and one.target.beside[1] == beside)


def test_processor_time_is_told_per_request_and_every_error_is_a_fault() -> None:
    found = asking.measured(SAID, used=1.0, rows=0.5)
    assert (found.rate, found.cpu, found.database, found.all_cpu) == (100.0, 5.0, 2.5, 7.5)
    assert (found.refused, found.lost, found.faults, found.bytes) == (3, 3, 6, 20)


def test_a_load_without_one_answer_is_a_fault() -> None:
    nothing = SAID.replace('"requests":200', '"requests":0').replace('"refused":3', '"refused":0')
    assert asking.measured(
        nothing.replace('"read":1', '"read":0').replace('"timeout":2', '"timeout":0'), 1.0, None
    ).faults


def test_a_target_is_met_only_where_requests_and_processor_time_both_meet_it() -> None:
    peer = replace(LOAD, cpu=29.0)  # 30 ms with the database, where ours is 5
    six_times = replace(LOAD, requests=1200)
    for ours, met in (
        (six_times, True),
        (replace(six_times, requests=1199), False),
        (replace(six_times, cpu=4.1), False),
    ):
        verdict = of_target(targets.verdicts(measured(ours=ours, objects=peer)), servers.OBJECTS)
        assert verdict.is_met is met, ours
    assert verdict.line().endswith("| at least 6 | 15 | **missed** |")


def test_the_processor_time_of_postgresql_counts_for_both_sides() -> None:
    ours = replace(LOAD, cpu=1.0, database=4.0)
    verdict = of_target(
        targets.verdicts(measured(ours=ours, asyncpg=replace(LOAD, cpu=1.0, database=2.0))), servers.ASYNCPG
    )
    assert verdict.cpu == pytest.approx(0.6)
    assert verdict.is_met is False


def test_the_middle_of_the_rounds_is_judged_and_the_ends_are_told() -> None:
    rounds = [replace(LOAD, requests=count) for count in (100, 400, 200)]
    assert targets.middle(rounds, targets.rate) == 100
    assert targets.spread(rounds, targets.rate) == "100 (50.0–200)"
    assert targets.spread([replace(LOAD, database=None)], lambda load: load.database) == "–"


def test_a_page_that_is_made_anew_is_judged_by_its_milliseconds() -> None:
    way = targets.page("dashboard")
    fast, slow = (targets.verdicts({("uncached", way, 4): [replace(LOAD, cpu=cpu)]}) for cpu in (15.0, 15.1))
    assert [one.is_met for one in (*fast, *slow)] == [True, False]


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert targets.verdicts(measured(ours=LOAD)) == []


def test_every_target_names_ways_that_are_asked() -> None:
    asked = {
        (work.key, way.name) for work in works.works({works.DASHBOARD: 1, works.INSTRUMENT: 1}, 1) for way in work.ways
    }
    assert {target.way for target in targets.TARGETS} | {one.beside for one in targets.TARGETS if one.beside} <= asked


def test_contenders_take_turns_and_every_second_round_goes_the_other_way() -> None:
    asked = works.works({works.DASHBOARD: 1, works.INSTRUMENT: 1}, 1)[:1]
    running = {name: Server(name, "", psutil.Process()) for name in (servers.OURS, servers.ASYNCPG)}
    first, second = ([way.server for _, way, _ in turns(asked, running, [16], number)] for number in (1, 2))
    assert first == [servers.OURS, servers.ASYNCPG]
    assert second == first[::-1]


def test_the_report_says_what_was_not_measured_and_what_goes_over_the_wire() -> None:
    text = report(
        measured(ours=LOAD, objects=LOAD), ["nginx: not installed here"], {"gzip": 34_200, "br": 27_900}, "head"
    )
    assert "Not measured: nginx: not installed here." in text
    assert "| FastAPI + SQLAlchemy | 16 | 100 (100–100) | 4.00 (4.00–4.00) | 1.00 (1.00–1.00) |" in text
    assert "27.9 kB (br), 34.2 kB (gzip); target at most 28 kB: met" in text
    assert "**missed**" in wire({"gzip": 28_100})


def test_memory_is_flat_where_the_end_takes_no_more_than_the_beginning() -> None:
    steady = mix.Minute("Charon", LOAD, [300, 200, 200, 204, 209, 209, 208, 209, 210, 210])
    assert steady.is_flat
    assert steady.line() == "| Charon | 100 | 10.0 | 50.5 | 4.00 | 1.00 | 0 | 202 → 210, flat |"
    growing = mix.Minute("Charon", LOAD, [200, 200, 200, 200, 205, 205, 210, 210, 211, 211])
    assert not growing.is_flat


def test_a_tenth_of_the_mix_is_new_and_the_peers_are_asked_for_what_they_have() -> None:
    assert [asked.count(asking.NEW) / len(asked) for asked in mix.ASKED.values()] == [0.1] * len(mix.ASKED)
    paths = {address.partition("?")[0] for address in mix.PEERS_ASKED}
    assert paths == {"/latest", "/rates", asking.NEW}
    assert paths < {address.partition("?")[0] for address in mix.OURS_ASKED}


def test_the_peers_are_asked_in_an_environment_of_their_own() -> None:
    locked = (ROOT / "requirements-peers.txt").read_text(encoding="utf-8")
    assert all(
        f"{name}==" in locked for name in ("fastapi", "sqlalchemy", "asyncpg", "orjson", "uvicorn", "django-bolt")
    )
    assert not any("fastapi" in (ROOT / f"requirements{name}.in").read_text() for name in ("", "-dev"))
    assert "bench-peers" in described()


# Four days of each currency that is asked for, without the archive, whose loading takes seconds.
SEED = """
import decimal, django
django.setup()
from markets.models import Instrument, Rate, Source
source = Source.objects.get(code="nbp_archive")
for code in "USD EUR CHF GBP CZK DKK JPY NOK SEK HUF AUD CAD".split():
    one, _ = Instrument.objects.get_or_create(code=code, defaults={"kind": "currency", "base": code, "quote": "PLN"})
    for day in ("2025-01-07", "2025-01-08", "2025-01-09", "2025-03-14"):
        Rate.objects.create(instrument=one, source=source, table="A", effective_date=day,
                            mid=decimal.Decimal("4.1010"), scale=4)
"""
# In a process of its own: here the guard of the tests refuses a port that nobody has named.
SMALL = f"""
import json
from bench.measure import installation, run
from bench.peers import __main__ as bench, mix, servers

with installation(DB_POOL="1") as environment:
    run(["-c", {SEED!r}], environment | {{"DJANGO_SETTINGS_MODULE": "charon.settings"}})
    measured, said, sent = bench.rounds(environment, ["cold", "cached"], (4,), 1, 1, leave_out=[servers.OURS_REDIS])
    text = bench.report(measured, said, sent, bench.machine(environment, (4,), 1, 1))
    faults = [[work, way, sum(load.faults for load in loads)] for (work, way, _), loads in measured.items()]
    found, _ = mix.minutes(environment, [servers.OURS, servers.OBJECTS], 4, 1)
    print(json.dumps([faults, said, text, [[one.name, one.load.requests, one.load.faults] for one in found]]))
"""


@pytest.mark.processes
@pytest.mark.skipif(not shutil.which("wrk"), reason="needs wrk (Debian: apt install wrk)")
def test_a_second_of_it_ends_without_an_error_and_says_which_peers_are_not_here(tmp_path: Path) -> None:
    env = environment(tmp_path, PEERS_PYTHON=str(tmp_path / "none"))
    done = subprocess.run([sys.executable, "-c", SMALL], cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    faults, said, text, mixed = json.loads(done.stdout.splitlines()[-1])
    assert [one for one in faults if one[2]] == []
    ways = {(work, way) for work, way, _ in faults}
    assert {("cold", servers.OURS), ("cached", servers.CONSTANT), ("cached", servers.DICTIONARY)} <= ways
    missing = (servers.OBJECTS, servers.COLUMNS, servers.ASYNCPG, servers.BOLT)
    assert [name for name in missing if not any(one.startswith(f"{name}: not installed here") for one in said)] == []
    [[name, requests, wrong]] = mixed
    assert (name, requests > 0, wrong) == (servers.OURS, True, 0)
    assert "| one year, cached | granian WSGI, constant bytes | 4 |" in text
