"""The packages: pinned by hand in requirements*.in, locked with all indirect ones and hashes in requirements*.txt."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAMES = sorted(path.stem for path in ROOT.glob("requirements*.in"))
# Fuzzer, tools and peers have environments of their own.
TOGETHER = [name for name in NAMES if name not in {"requirements-fuzz", "requirements-tools", "requirements-peers"}]
LOCKED = re.compile(r"^([a-z0-9-]+)==([^ ;]+)(?: ; ([^\\]+))?$")
HASH = re.compile(r"^--hash=sha256:[0-9a-f]{64}$")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(name: str) -> dict[str, str]:
    """Version by package of a file written by hand, with those of the files that it includes."""
    found: dict[str, str] = {}
    for line in (ROOT / f"{name}.in").read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            found |= pins(line.removeprefix("-r ").removesuffix(".in"))
        elif line and not line.startswith("#"):
            package, version = line.split("==")
            found[canonical(package.split("[")[0])] = version
    return found


def entries(name: str) -> list[list[str]]:
    """The lines of each package of a lock: what and which, then its hashes."""
    text = (ROOT / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", "\n")
    lines = [line.strip() for line in text.splitlines() if not line.strip().startswith("#")]
    found: list[list[str]] = []
    for line in lines:
        if line.startswith("--hash"):
            found[-1].append(line)
        else:
            found.append([line])
    return found


def locked(name: str) -> dict[str, str]:
    found = [LOCKED.match(head) for head, *_ in entries(name)]
    return {one[1]: one[2] for one in found if one}


def test_every_file_of_pins_has_its_lock_and_every_lock_its_pins() -> None:
    assert sorted(path.stem for path in ROOT.glob("requirements*.txt")) == NAMES
    assert {"requirements", "requirements-dev", "requirements-channels"} <= set(NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_pin_is_locked_at_its_version(name: str) -> None:
    asked = pins(name)
    assert asked
    assert {package: locked(name).get(package) for package in asked} == asked


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_has_nothing_but_packages_and_hashes(name: str) -> None:
    """No address of an index, no path, no option: pip takes the index that its machine names."""
    for head, *hashes in entries(name):
        assert LOCKED.match(head), head
        assert hashes, head
        assert [line for line in hashes if not HASH.match(line)] == [], head
    assert "://" not in (ROOT / f"{name}.txt").read_text(encoding="utf-8")


def test_what_is_tested_is_what_is_installed() -> None:
    """The development lock has every package of the runtime and the channels, and all locks one version of each."""
    tested = locked("requirements-dev")
    assert (locked("requirements") | locked("requirements-channels")).items() <= tested.items()
    for name in TOGETHER:
        assert {package: tested.get(package, version) for package, version in locked(name).items()} == locked(name)


def test_the_extras_of_the_pins_are_locked_too() -> None:
    assert {"psycopg-binary", "psycopg-pool", "hiredis"} <= locked("requirements").keys()


def test_nothing_is_installed_without_its_hashes() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r".*pip install.*", makefile) == [
        "INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes"
    ]
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    steps = [line for line in image.splitlines() if line.startswith(("RUN pip", "RUN python -m venv"))]
    assert [("--require-hashes" in step, step.count("--requirement ")) for step in steps] == [(True, 3), (True, 3)]


def test_nothing_renames_the_processes_that_the_tests_look_for() -> None:
    """granian and django-q use setproctitle where it is there, and a process that it renamed has no environment."""
    assert not [
        name for name in ("", "-dev", "-e2e") if "setproctitle" in (ROOT / f"requirements{name}.txt").read_text()
    ]
