"""`manage.py demo`: what it starts ends with it."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.processes

# A script that only waits stands for `up`: these tests are about which processes end together.
DEMO = """
import sys, django
django.setup()
from charon.management.commands import demo
demo.MANAGE = sys.argv[1]
demo.Command().handle()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_the_demo(tmp_path: Path, number: signal.Signals) -> None:
    up = tmp_path / "up.py"
    up.write_text("import time\nprint('open', flush=True)\ntime.sleep(60)\n")
    environment = {"PATH": "/usr/bin", "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", DEMO, str(up)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        assert [demo.stdout.readline()[:5], demo.stdout.readline()] == ["DEMO:", "open\n"]
        family = psutil.Process(demo.pid).children(recursive=True)
        assert len(family) == 4  # `up` and the replicas, each with its child runner
        demo.send_signal(number)
        demo.wait(60)
    _, alive = psutil.wait_procs(family, 60)
    assert alive == []


@pytest.mark.parametrize("victim", ["demo", "runner of up"])
def test_nothing_outlives_a_demo_that_is_killed(tmp_path: Path, victim: str) -> None:
    up = tmp_path / "up.py"
    up.write_text("import time\nprint('open', flush=True)\ntime.sleep(60)\n")
    environment = {"PATH": "/usr/bin", "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", DEMO, str(up)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        assert [demo.stdout.readline()[:5], demo.stdout.readline()] == ["DEMO:", "open\n"]
        family = psutil.Process(demo.pid).children(recursive=True)
        if victim == "demo":
            demo.kill()
        else:
            next(one for one in family if str(up) in one.cmdline() and "child_runner.py" in str(one.cmdline())).kill()
        demo.wait(60)
    _, alive = psutil.wait_procs(family, 60)
    assert alive == []
