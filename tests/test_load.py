"""The load of `make load`: what is counted, what is a fault, and a small round of it against web as `up` starts it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench import load
from charon.api.limits import QUOTAS
from tests.processes import ROOT, environment

SAID = (
    'Running 1s test\n\n{"requests":120,"seconds":1.500,"p50_ms":10.0,"p99_ms":50.5,"max_ms":80.0,'
    '"connect":0,"read":1,"write":0,"timeout":2,"statuses":[{"200":70,"503":10},{"200":39,"500":1}]}\n'
)


def test_the_answers_of_all_threads_are_counted_and_what_was_lost_is_told() -> None:
    found = load.parsed("32 connections", SAID, 210.0, 0.2)
    assert found.statuses == {200: 109, 503: 10, 500: 1}
    assert (found.requests, found.p50, found.p99, found.longest, found.lost) == (120, 10.0, 50.5, 80.0, 3)


def test_a_500_a_lost_connection_and_a_slow_return_are_faults_and_a_503_is_none() -> None:
    found = load.parsed("32 connections", SAID, 210.0, 2.5).faults()
    assert found == [
        "32 connections: 1 answers 500",
        "32 connections: 3 connections or requests were lost",
        "32 connections: the first page after it took 2.5 s",
    ]
    calm = SAID.replace(',"500":1', "").replace('"read":1', '"read":0').replace('"timeout":2', '"timeout":0')
    assert load.parsed("32 connections", calm, 210.0, 0.1).faults() == []


def test_the_limits_of_the_load_are_those_of_a_new_installation() -> None:
    text = Path(load.__file__).read_text()
    assert all(f"{name}=" in text for name in QUOTAS.values())
    assert 'reads: str = "600"' in text


# In a process of its own: here the guard of the tests refuses a port that nobody has named.
SMALL = """
import json
from bench import load
load.EXPECTED |= {404}  # without figures there is no currency
found = list(load.rounds(2, (8,), filled=False, reads="20"))
print(json.dumps([[one.faults(), one.statuses] for one in found]))
"""


@pytest.mark.processes
@pytest.mark.skipif(not shutil.which("wrk"), reason="needs wrk (Debian: apt install wrk)")
def test_a_second_of_it_ends_without_a_fault_and_the_greedy_are_told_429(tmp_path: Path) -> None:
    env = environment(tmp_path, DB_POOL="1")
    done = subprocess.run([sys.executable, "-c", SMALL], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (no_faults, many), (none_either, greedy) = json.loads(done.stdout.splitlines()[-1])
    assert (no_faults, none_either) == ([], [])
    assert many["200"] > 0
    assert "429" not in many
    assert greedy["429"] > 0
