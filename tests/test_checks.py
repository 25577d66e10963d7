"""What `manage.py check` warns of."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core import checks

from tests.processes import ROOT, environment, manage


@pytest.fixture
def warnings(tmp_path: Path, settings: Any) -> Any:
    """The ids that a check of Charon's own gives under these settings."""
    settings.DATA_DIR = tmp_path

    def ask(**changes: object) -> list[str]:
        for name, value in changes.items():
            setattr(settings, name, value)
        return [str(found.id) for found in checks.run_checks() if str(found.id).startswith("charon.")]

    return ask


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.5"])
def test_debug_at_home_is_fine(warnings: Any, host: str) -> None:
    assert warnings(DEBUG=True, HOST=host) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "charon.example"])
def test_debug_towards_the_network_is_warned_of(warnings: Any, host: str) -> None:
    assert warnings(DEBUG=True, HOST=host) == ["charon.W001"]
    assert warnings(DEBUG=False, HOST=host) == []


def test_a_short_secret_is_warned_of(warnings: Any) -> None:
    assert warnings(SECRET_KEY="x" * 31) == ["charon.W002"]
    assert warnings(SECRET_KEY="x" * 32) == []


def test_a_secret_that_others_can_read_is_warned_of(warnings: Any, tmp_path: Path) -> None:
    key = tmp_path / "secret_key"
    key.write_text("k")
    key.chmod(0o640)
    assert warnings() == ["charon.W003"]
    key.chmod(0o600)
    assert warnings() == []


@pytest.mark.parametrize(("names", "ids"), [([], []), (["NBP", "massive"], []), (["nbp", "npb"], ["charon.W005"])])
def test_a_source_that_no_provider_is_is_warned_of(warnings: Any, names: list[str], ids: list[str]) -> None:
    assert warnings(SOURCES=names) == ids


NOT_LOADED = ("charon.urls", "charon.api.app", "miner.admin", "pandas", "numba", "ninja", "redis", "psycopg")


@pytest.mark.processes
def test_what_a_command_has_loaded_is_never_looked_through_for_garbage_and_all_else_is(tmp_path: Path) -> None:
    """The looking was a quarter of the time of a start, and writes into what forked processes share."""
    script = "import gc; print(gc.isenabled(), gc.get_freeze_count() > 100_000)"
    done = manage("shell", "-v", "0", "-c", script, env=environment(tmp_path))
    assert done.stdout.strip() == "True True", done.stderr


@pytest.mark.processes
def test_web_loads_its_addresses_before_it_forks_and_no_client_of_a_server_that_it_has_not(tmp_path: Path) -> None:
    """Else each worker loads the addresses for its first request."""
    wanted = ["charon.page_urls", "miner.admin", "holidays.countries.poland"]
    asked = [*wanted, "redis", "psycopg", "pandas", "numba"]
    script = f"import sys, charon.rsgi; print([name for name in {asked} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip() == str(wanted), done.stderr


@pytest.mark.processes
@pytest.mark.parametrize(
    "command",
    [
        "charon.management.commands.up",
        "charon.management.commands.qcluster",
        "miner.management.commands.pulse",
    ],
)
def test_a_process_that_answers_no_request_warns_of_settings_and_loads_neither_pages_nor_api(
    command: str, tmp_path: Path
) -> None:
    """They weigh 32 MB and take a second of a core, in each of these processes; what neither SQLite nor an installation
    without Redis needs weighs 24 MB more.
    """
    script = (
        "import django, sys; django.setup()\n"
        "from importlib import import_module\n"
        "from django.core.management import call_command\n"
        f"Command = import_module({command!r}).Command\n"
        "Command.handle = lambda *_, **__: None\n"
        "call_command(Command(), skip_checks=False)\n"
        f"print([name for name in {NOT_LOADED} if name in sys.modules])\n"
    )
    settings = {"DJANGO_SETTINGS_MODULE": "charon.settings", "SECRET_KEY": "x" * 31}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(tmp_path, **settings),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
    assert "charon.W002" in done.stderr
