"""`manage.py demo`: what it starts ends with it."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.processes import ROOT

# The house is somebody who only waits: this is about who goes with whom.
DEMO = """
import sys, django
django.setup()
from charon.management.commands import demo
demo.MANAGE = sys.argv[1]
demo.Command().handle()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_the_demo(tmp_path: Path, number: signal.Signals) -> None:
    house = tmp_path / "house.py"
    house.write_text("import time\nprint('open', flush=True)\ntime.sleep(60)\n")
    environment = {"PATH": "/usr/bin", "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", DEMO, str(house)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        assert [demo.stdout.readline()[:5], demo.stdout.readline()] == ["DEMO:", "open\n"]
        family = psutil.Process(demo.pid).children(recursive=True)
        assert len(family) == 3  # `up`, the child runner, the replicas
        if number is signal.SIGINT:  # a terminal tells everybody in front of it
            next(one for one in family if str(house) in one.cmdline()).send_signal(number)
        demo.send_signal(number)
        demo.wait(60)
    _, alive = psutil.wait_procs(family, 60)
    assert alive == []


def test_the_stand_ins_go_even_when_the_demo_is_killed(tmp_path: Path) -> None:
    house = tmp_path / "house.py"
    house.write_text("print('open', flush=True)\ninput()\n")
    environment = {"PATH": "/usr/bin", "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", DEMO, str(house)], cwd=ROOT, env=environment, stdout=subprocess.PIPE,
        stdin=subprocess.PIPE, text=True,
    ) as demo:  # fmt: skip
        assert demo.stdout is not None
        assert [demo.stdout.readline()[:5], demo.stdout.readline()] == ["DEMO:", "open\n"]
        family = psutil.Process(demo.pid).children(recursive=True)
        demo.kill()
    _, alive = psutil.wait_procs(family, 60)
    assert alive == []
