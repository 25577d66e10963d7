"""Every command of the documents: it is run, or its words are those that the program takes."""

import importlib
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from django.core.management import CommandError, get_commands, load_command_class

from charon.api.live_question import question_of
from miner.providers import PROVIDERS
from tests.documents.blocks import Block, in_language
from tests.documents.shell import Command, commands
from tests.documents.targets import described
from tests.test_docs import ROOT, names, read, section, table

# What cannot be run by a test, by its first word. A new word needs its reason here, or a check below.
NOT_RUN = {
    "sudo": "changes the machine",
    "systemctl": "changes the machine",
    "journalctl": "tells of the machine",
    "ss": "tells of the machine",
    "ssh": "needs another machine",
    "git": "fetches from the project's host",
    "createdb": "needs a PostgreSQL; `make test-services` has one, and its tests make databases",
    "pg_dump": "needs a PostgreSQL; see docs/operations.md, Tried",
    "pg_restore": "needs a PostgreSQL; see docs/operations.md, Tried",
    "prometheus": "a server; test_prometheus.py starts one",
    "rsync": "needs another machine",
    "cd": "a word of the shell; the folder is the installation's",
    "grep": "reads what another command says",
    "tee": "keeps what another command says",
    "redis-cli": "needs a Redis; test_events.py asks one with it",
}
# Docker's own commands beside Compose: there is no engine where the tests run.
DOCKER = {"inspect", "tag", "network"}
COMPOSE = {"build", "config", "down", "exec", "logs", "ps", "restart", "run", "stop", "up", "version"}
# Which of our servers answer where, and who else is asked. The API at 8000 is asked by test_docs_answers.py.
LIVE, ASKED = "127.0.0.1:8002", "127.0.0.1:8000"
NOT_ASKED = {"api.nbp.pl": "another service; test_docs.py has its answer recorded"}
# Variables that are no settings of ours.
OTHERS = {"DJANGO_SUPERUSER_USERNAME", "DJANGO_SUPERUSER_PASSWORD", "Q_CLUSTER_NAME", "PYTHON", "SECONDS_EACH"}


def make(words: list[str], _: Path) -> None:
    for word in words:
        name, given, _value = word.partition("=")
        assert f"$({name})" in read("Makefile") if given else name in described(), f"make has no {word}"


def manage(words: list[str], _: Path) -> None:
    name, *rest = words
    owner = get_commands()[name]
    command = load_command_class(owner, name) if isinstance(owner, str) else owner
    command.create_parser("manage.py", name).parse_args(rest)
    for option, code in pairwise(rest):
        if option == "-c":
            compile(code, "manage.py shell", "exec")


def python(words: list[str], folder: Path) -> None:
    if words[0] == "-m":
        module(words[1], words[2:])
    elif words[0] == "-c":
        compile(words[1], "python -c", "exec")
    elif words[0] == "manage.py":
        manage(words[1:], folder)
    else:
        assert (ROOT / words[0]).is_file(), f"there is no {words[0]}"


def module(name: str, words: list[str]) -> None:
    """Its own parser takes the words; where it has none at hand, its source names the options."""
    spec = importlib.util.find_spec(name)
    assert spec, f"there is no module {name}"
    if name == "pytest":
        ours(words)
        return
    main = importlib.import_module(f"{name}.__main__" if spec.submodule_search_locations else name)
    if hasattr(main, "arguments"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [name, *words])
            main.arguments()
    else:
        source = Path(str(main.__file__)).read_text(encoding="utf-8")
        assert [word for word in words if word.startswith("--") and f'"{word}"' not in source] == []


def ours(words: list[str]) -> None:
    """The files of a run of pytest, and the words by which it chooses among their tests."""
    files = [word for word in words if word.endswith(".py")]
    assert [file for file in files if not (ROOT / file).is_file()] == []
    chosen = words[words.index("-k") + 1] if "-k" in words else ""
    assert all(chosen in read(file) for file in files)


def curl(words: list[str], _: Path) -> None:
    (address,) = (urlsplit(word) for word in words if re.match("https?://", word))
    if address.netloc == LIVE:
        assert address.path in {"/sse", "/stream", "/api/v1/stream", "/health"}
        assert question_of(address.query.encode())[1] == []
    assert address.netloc in {LIVE, ASKED, *NOT_ASKED}


def docker(words: list[str], _: Path) -> None:
    if words[0] != "compose":
        assert words[0] in DOCKER, f"docker {words[0]}"
        return
    composed = services()
    rest = words[1:]
    while rest[0] in {"-f", "--profile"}:
        assert (ROOT / rest[1]).is_file() or any(rest[1] in one.get("profiles", ()) for one in composed.values())
        rest = rest[2:]
    sub, *more = rest
    assert sub in COMPOSE, f"docker compose {sub}"
    named = [word for word in more if re.fullmatch("[a-z][a-z-]*", word)]
    assert set(named[:1] if sub in {"exec", "run"} else named) <= composed.keys()


@cache
def services() -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(read("docker-compose.yml"))["services"])


CHECKED: dict[str, Callable[[list[str], Path], None]] = {
    "make": make,
    "manage.py": manage,
    "python": python,
    "python3": python,
    ".venv/bin/python": python,
    "curl": curl,
    "docker": docker,
}
# Run as they stand, in a folder with the files that they read; a program that is not installed is named.
RUN = {"sed", "sqlite3"}


def allowed() -> set[str]:
    """The settings, and those of every provider."""
    rows = names(table(section("docs/configuration.md", "## Variables")))
    return {*rows, *OTHERS, *(f"{code.upper()}_{end}" for code in PROVIDERS for end in ("BASE_URL", "API_KEY"))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What commands that are run here may read."""
    (tmp_path / "data").mkdir()
    shutil.copytree(ROOT / "ops", tmp_path / "ops")
    return tmp_path


def shell(command: Command, folder: Path) -> None:
    if not shutil.which(command.words[0]):
        pytest.skip(f"needs {command.words[0]}")
    ended = subprocess.run(["sh", "-ec", command.line], cwd=folder, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, ""), command.line


# What cron puts before a command: minute, hour, day, month, weekday.
CRON = re.compile(r"^(?:[\d*/,-]+\s+){5}", re.MULTILINE)


@pytest.mark.parametrize("block", in_language("sh", "cron"), ids=str)
def test_every_command_can_be_given(block: Block, folder: Path) -> None:
    found = list(commands(CRON.sub("", block.text) if block.language == "cron" else block.text))
    assert found, f"{block} has no command"
    for command in found:
        assert command.variables.keys() <= allowed(), f"{command.line}: not all variables are known"
        if not command.words:
            continue
        first, *rest = command.words
        if first in RUN:
            shell(command, folder)
            (folder / "charon-backup.sqlite3").unlink(missing_ok=True)  # the next line makes it anew
        elif first not in NOT_RUN:
            assert first in CHECKED, f"{command.line}: nobody checks {first}"
            CHECKED[first](rest, folder)


def test_the_copy_for_prometheus_beside_make_up_asks_this_machine(folder: Path) -> None:
    (block,) = (one for one in in_language("sh") if "ops/prometheus.yml > prometheus.yml" in one.text)
    (command,) = (one for one in commands(block.text) if one.words[0] == "sed")
    shell(command, folder)
    jobs = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    targets = [target for job in jobs for static in job["static_configs"] for target in static["targets"]]
    assert targets == ["127.0.0.1:8000", "127.0.0.1:8001"]


@pytest.mark.parametrize(
    "wrong",
    [
        "make nothing", "make storm MOVED=1", "manage.py mine nbp --tables A", "manage.py upp",
        "UNHEARD_OF=1 make up", "python -m tests.nothing", "python -m tests.chaos --on mysql",
        "python -m charon.serving --hosts x", "python tests/nothing.py", "docker compose exec nginx sh",
        "docker compose stop webb", "curl 'http://127.0.0.1:8002/sse?kinds=noises'", "curl 'https://example.org/'",
        "frobnicate", "python -m pytest tests/test_docs.py -k nobody_is_called_so",
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_given_is_found(wrong: str, folder: Path) -> None:
    block = Block("wrong.md", 1, "sh", f"{wrong}\n", after=False)
    with pytest.raises((AssertionError, KeyError, CommandError, SystemExit)):
        test_every_command_can_be_given(block, folder)


def test_a_line_is_taken_apart_as_a_shell_would() -> None:
    text = 'A=1 make up 2>&1 | tee "a b" > log  # why\ncurl -d \'{"a":\n 1}\' \\\n  x && cat <<EOF\n'
    text += "make nothing\nEOF\nls\n"
    found = [(one.variables, one.words) for one in commands(text)]
    assert found == [
        ({"A": "1"}, ["make", "up"]), ({}, ["tee", "a b"]), ({}, ["curl", "-d", '{"a":\n 1}', "x"]),
        ({}, ["cat"]), ({}, ["ls"]),
    ]  # fmt: skip
