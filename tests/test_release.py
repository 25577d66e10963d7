"""The version, and what a tag must agree with before it becomes a release."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from charon import settings
from tests import release, test_lock

ROOT = Path(__file__).resolve().parent.parent
READY = """# Changelog

## Unreleased

## [1.2.0] - 2026-12-01

### Added

- A thing.

## [1.1.0] - 2026-11-01

- Old.
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose three files say 1.2.0."""
    (tmp_path / "charon").mkdir()
    (tmp_path / "CHANGELOG.md").write_text(READY)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    (tmp_path / "charon" / "settings.py").write_text('VERSION = "1.2.0"\n')
    return tmp_path


def test_the_version_is_that_of_the_changelog_everywhere() -> None:
    assert set(release.versions(ROOT).values()) == {settings.VERSION}
    assert re.fullmatch(r"\d+\.\d+\.\d+", settings.VERSION)


def test_a_tag_that_agrees_gets_the_notes_of_its_version(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["v1.2.0"], project) == 0
    assert capsys.readouterr().out == "### Added\n\n- A thing.\n"


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("pyproject.toml", "1.2.0", "1.1.0", "pyproject.toml says 1.1.0, not v1.2.0"),
        ("charon/settings.py", "1.2.0", "1.3.0", "charon/settings.py says 1.3.0, not v1.2.0"),
        ("CHANGELOG.md", "[1.2.0]", "[1.2.1]", "CHANGELOG.md says 1.2.1, not v1.2.0"),
        ("CHANGELOG.md", "2026-12-01", "unreleased", "CHANGELOG.md has no day of the release"),
        ("CHANGELOG.md", "### Added\n\n- A thing.\n", "", "CHANGELOG.md does not say what is new"),
        (
            "CHANGELOG.md",
            "Unreleased\n",
            "Unreleased\n\n- Later.\n",
            "CHANGELOG.md has unreleased changes above the version",
        ),
    ],
)
def test_a_tag_that_does_not_is_refused_with_the_reason(
    project: Path, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, fault: str
) -> None:
    path = project / file
    path.write_text(path.read_text().replace(old, new))
    assert release.main(["v1.2.0"], project) == 1
    assert capsys.readouterr().err == f"{fault}\n"


def test_the_check_needs_nothing_but_python() -> None:
    """The workflow calls it before anything is installed."""
    for name in ("release", "smoke"):
        imports = re.findall(r"^(?:import|from) (\w+)", (ROOT / "tests" / f"{name}.py").read_text(), re.MULTILINE)
        assert not {"django", "httpx", "charon", "markets", "tests"} & set(imports), name
    assert (ROOT / "tests" / "__init__.py").read_text() == ""


def test_a_project_without_a_version_is_refused(project: Path) -> None:
    shutil.copy(project / "pyproject.toml", project / "CHANGELOG.md")
    assert "CHANGELOG.md says , not v1.2.0" in release.faults("v1.2.0", project)


def test_the_list_of_packages_has_every_one_of_the_image_once(tmp_path: Path) -> None:
    """What `make sbom` gives to cyclonedx-py, which writes a component for each package that it reads."""
    tool = tmp_path / "cyclonedx-py"
    tool.write_text("#!/bin/sh\nexec cat\n")
    tool.chmod(0o755)
    words = ["make", "--silent", "--old-file", ".venv/.tools", "sbom", f"TOOLS={tmp_path}"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stderr
    listed = re.findall(r"^([a-z0-9-]+)==", done.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(
        test_lock.locked("requirements")
        | test_lock.locked("requirements-channels")
        | test_lock.locked("requirements-sentry")
    )
    assert done.stdout.count("--hash=sha256:") > len(listed)
