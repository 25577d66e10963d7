"""What a tag must agree with, and what a release says of itself (docs/release.md).

python -m tests.release v0.1.0        writes the notes of this version; ends with 1 where the tag does not fit

Needs nothing but Python. The version stands in CHANGELOG.md, pyproject.toml and charon/settings.py.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADING = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - (unreleased|\d{4}-\d{2}-\d{2})$", re.MULTILINE)


def section(changelog: str, start: int) -> str:
    """What stands below a heading, up to the next one of its kind."""
    return re.split(r"^## ", changelog[start:], maxsplit=1, flags=re.MULTILINE)[0].strip()


def latest(changelog: str) -> tuple[str, str, str]:
    """Version, day (or `unreleased`) and text of the newest version."""
    if not (found := HEADING.search(changelog)):
        return "", "", ""
    return found[1], found[2], section(changelog, found.end())


def unreleased(changelog: str) -> str:
    """What waits for a version of its own."""
    found = re.search(r"^## Unreleased$", changelog, re.MULTILINE)
    return section(changelog, found.end()) if found else ""


def versions(root: Path) -> dict[str, str]:
    """The version by each file that says one."""
    said = re.search(r'^VERSION = "(.+)"$', (root / "charon/settings.py").read_text(encoding="utf-8"), re.MULTILINE)
    return {
        "CHANGELOG.md": latest((root / "CHANGELOG.md").read_text(encoding="utf-8"))[0],
        "pyproject.toml": str(
            tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
        ),
        "charon/settings.py": said[1] if said else "",
    }


def faults(tag: str, root: Path) -> list[str]:
    """Why this tag may not be released."""
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    wrong = [f"{name} says {found}, not {tag}" for name, found in versions(root).items() if f"v{found}" != tag]
    _, day, notes = latest(changelog)
    if day == "unreleased":
        wrong.append("CHANGELOG.md has no day of the release")
    if not notes:
        wrong.append("CHANGELOG.md does not say what is new")
    if unreleased(changelog):
        wrong.append("CHANGELOG.md has unreleased changes above the version")
    return wrong


def main(words: list[str], root: Path = ROOT) -> int:
    if len(words) != 1:
        sys.stderr.write(__doc__ or "")
        return 2
    if wrong := faults(words[0], root):
        sys.stderr.write("\n".join(wrong) + "\n")
        return 1
    sys.stdout.write(latest((root / "CHANGELOG.md").read_text(encoding="utf-8"))[2] + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
