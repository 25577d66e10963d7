"""The checks of `make lint`: `python -m tests.lint [--changed]`.

Every tool runs to its end, so that one that fails hides no other; the exit code says whether all were content. With
`--changed` they look at the files that differ from main; pyright and bandit are left out, as is what has no file.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PYTHON = (sys.executable, "-m")
DJADE = (str(Path(sys.executable).with_name("djade")), "--check", "--target-version", "5.2")
PYRIGHT = (*PYTHON, "basedpyright")
BANDIT = (
    *PYTHON,
    "bandit",
    "-q",
    "-r",
    "charon",
    "markets",
    "miner",
    "signals",
    "manage.py",
    "-c",
    "pyproject.toml",
    "-ll",
    "-ii",
)
IMPORTS = (sys.executable, "-c", "from importlinter.cli import lint_imports_command as check; check()")


class Tool(NamedTuple):
    name: str
    command: tuple[str, ...]


# From what it keeps in .mypy_cache: 5 s of a core instead of 90.
MYPY = Tool("mypy", (*PYTHON, "mypy", "."))


class Result(NamedTuple):
    tool: Tool
    code: int
    seconds: float
    output: str


def everything() -> Iterator[Tool]:
    templates = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "templates").rglob("*.html"))
    yield Tool("ruff check", (*PYTHON, "ruff", "check", "."))
    yield Tool("ruff format", (*PYTHON, "ruff", "format", "--check", "."))
    yield Tool("djade", (*DJADE, *templates))
    yield MYPY
    yield Tool("pyright", PYRIGHT)
    yield Tool("bandit", BANDIT)
    yield Tool("import-linter", IMPORTS)


def of_changed(files: Sequence[str]) -> Iterator[Tool]:
    """mypy reads all in any case: a change here may break a caller there."""
    python = [name for name in files if name.endswith(".py")]
    templates = [name for name in files if is_template(name)]
    if python:
        yield Tool("ruff check", (*PYTHON, "ruff", "check", "--force-exclude", *python))
        yield Tool("ruff format", (*PYTHON, "ruff", "format", "--check", "--force-exclude", *python))
        yield MYPY
        yield Tool("import-linter", IMPORTS)
    if templates:
        yield Tool("djade", (*DJADE, *templates))


def is_template(name: str) -> bool:
    return name.startswith("templates/") and name.endswith(".html")


def git(*words: str) -> list[str]:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []


def changed() -> list[str]:
    """What differs from where this branch left main, committed or not, and what git does not know yet."""
    base = (git("merge-base", "HEAD", "main") or git("merge-base", "HEAD", "origin/main") or ["HEAD"])[0]
    known = git("diff", "--name-only", "--diff-filter=d", base)
    return sorted({*known, *git("ls-files", "--others", "--exclude-standard")})


def run(tool: Tool) -> Result:
    began = time.monotonic()
    done = subprocess.run(tool.command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return Result(tool, done.returncode, time.monotonic() - began, done.stdout)


def report(results: Sequence[Result]) -> int:
    """The output of each tool, then one line for each; 1 when any of them found something."""
    for result in results:
        if result.code:
            sys.stdout.write(f"\n== {result.tool.name}\n{result.output.rstrip()}\n")
    sys.stdout.write("\n")
    for result in results:
        sys.stdout.write(f"{'FAILED' if result.code else 'ok':6} {result.tool.name:14} {result.seconds:6.1f} s\n")
    return int(any(result.code for result in results))


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lint", description="Check style, types, imports, templates.")
    parser.add_argument("--changed", action="store_true", help="only the files that differ from main")
    asked = parser.parse_args(words)
    tools = of_changed(changed()) if asked.changed else everything()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return report(list(pool.map(run, tools)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
