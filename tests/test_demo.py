"""`manage.py demo`: what it starts ends with it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.processes

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
    environment = {"PATH": "/usr/bin", "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", DEMO, str(up)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as demo:
        family = []
        try:
            assert demo.stdout is not None
            said = [demo.stdout.readline()[:7] for _ in range(4)]
            assert said == ["DEMO: t", "  admin", "  alert", "open\n"]
            family = psutil.Process(demo.pid).children(recursive=True)
            yield demo, family
        finally:
            demo.kill()
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.kill()


def alive_of(family: list[psutil.Process]) -> list[psutil.Process]:
    return list(psutil.wait_procs(family, 60)[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_the_demo(open_demo: Demo, number: signal.Signals) -> None:
    demo, family = open_demo
    assert len(family) == 4
    demo.send_signal(number)
    demo.wait(60)
    assert alive_of(family) == []


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
