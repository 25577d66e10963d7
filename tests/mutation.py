"""The mutants of validation, tax rules and alert evaluation: `python -m tests.mutation [pattern ...]`.

mutmut changes one place of a function at a time and runs the tests that came there. A mutant that lives is a line that
no test looks at, or a change that means the same. It works on a copy of the checkout, and what it found stays there: a
second run goes on where the first one ended. A pattern names mutants, `markets.store.validation.*`.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "data" / "mutation"
TARGETS = {
    "validation": ("markets.store.validation.", "markets.store.price_validation."),
    "tax rules": ("markets.queries.tax.",),
    "alert evaluation": ("signals.alerts.evaluate.",),
}
LINE = re.compile(r"\s*(\S+): ([a-z ]+)\s*$")
# Compiled, and so not known to git; the texts of refusals are compared in English.
ENGLISH = "locale/en/LC_MESSAGES/django.mo"
# A mutant that never ends is one that somebody would notice.
NOTICED = {"killed", "timeout", "suspicious", "segfault"}
UNDECIDED = {"not checked", "skipped"}


def copy() -> None:
    """The files that git knows or would take, as they are now. They keep their times: mutmut skips what is old."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in [*listed.stdout.decode().split("\0"), ENGLISH]:
        if name and (source := ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, COPY / name)


def mutmut(*words: str, kept: bool = False) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mutmut", *words]
    return subprocess.run(command, cwd=COPY, text=True, stdout=subprocess.PIPE if kept else None)


def states(printed: str) -> Iterator[tuple[str, str]]:
    """The mutants of `mutmut results` by name, each with what became of it."""
    for line in printed.splitlines():
        if found := LINE.match(line):
            yield found[1], found[2]


def target_of(mutant: str) -> str:
    return next((target for target, starts in TARGETS.items() if mutant.startswith(starts)), "")


def summary(found: Mapping[str, str]) -> list[str]:
    """One line for each target, then the names of those that live."""
    counts = defaultdict[str, Counter[str]](Counter)
    for mutant, state in found.items():
        counts[target_of(mutant)][state] += 1
    lines = []
    for target in TARGETS:
        tried = sum(n for state, n in counts[target].items() if state not in UNDECIDED)
        noticed = sum(counts[target][state] for state in NOTICED)
        score = f"{100 * noticed / tried:.1f} %" if tried else "not tried"
        lines.append(f"{target:17} {noticed:5} of {tried:5} mutants noticed: {score}")
    alive = [f"  {mutant}: {state}" for mutant, state in found.items() if state not in NOTICED | UNDECIDED]
    return [*lines, *alive]


def main(patterns: Sequence[str]) -> int:
    copy()
    ended = mutmut("run", *patterns).returncode
    if ended:
        return ended
    found = dict(states(mutmut("results", "--all", "true", kept=True).stdout))
    sys.stdout.write("\n".join([*summary(found), f"One of them: cd {COPY.relative_to(ROOT)}; mutmut show NAME", ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
