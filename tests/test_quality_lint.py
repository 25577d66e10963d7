"""The checks of a change: what `make lint` runs, and what it says."""

import sys
from pathlib import Path

import pytest

from tests import lint
from tests.lint import Result, Tool


def test_a_tool_that_fails_hides_no_other(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The findings of each stand in the output, those of a good one do not; the exit code says that one failed."""
    said = "import sys; print('found by {}'); sys.exit({})"
    tools = [
        Tool(name, (sys.executable, "-S", "-c", said.format(name, code)))
        for name, code in (("first", 1), ("second", 0), ("third", 2))
    ]
    monkeypatch.setattr(lint, "everything", lambda: iter(tools))

    assert lint.main([]) == 1

    printed = capsys.readouterr().out
    assert "== first\nfound by first\n" in printed
    assert "== third\nfound by third\n" in printed
    assert "found by second" not in printed
    assert [line.split()[:2] for line in printed.splitlines()[-3:]] == [
        ["FAILED", "first"],
        ["ok", "second"],
        ["FAILED", "third"],
    ]


def test_tools_that_find_nothing_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert lint.report([Result(Tool("mypy", ()), 0, 1.25, "Success")]) == 0
    assert capsys.readouterr().out == "\nok     mypy              1.2 s\n"


def test_the_short_way_looks_at_what_was_changed_and_no_further() -> None:
    tools = {tool.name: tool.command for tool in lint.of_changed(["README.md", "markets/clock.py", "templates/a.html"])}

    assert tools["ruff check"][-1] == tools["ruff format"][-1] == "markets/clock.py"
    assert tools["djade"][-1] == "templates/a.html"
    assert tools["mypy"][-1] == ".", "a change here may break a caller there"


def test_a_change_of_texts_alone_needs_no_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint, "changed", lambda: ["README.md", "docs/method.md"])
    assert lint.main(["--changed"]) == 0


def test_a_file_that_was_deleted_is_not_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Committed on the branch, changed, new to git and deleted: all but the last."""
    monkeypatch.setattr(lint, "ROOT", tmp_path)
    for name in ("kept", "branch", "edited", "gone"):
        (tmp_path / f"{name}.py").write_text("")
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    lint.git("init", "-q", "-b", "main")
    lint.git("add", "kept.py", "edited.py", "gone.py")
    lint.git(*author, "commit", "-q", "-m", "one")
    lint.git("checkout", "-q", "-b", "branch")
    lint.git("add", "branch.py")
    lint.git(*author, "commit", "-q", "-m", "two")
    (tmp_path / "edited.py").write_text("x = 1\n")
    (tmp_path / "gone.py").unlink()
    (tmp_path / "new.py").write_text("")

    assert lint.changed() == ["branch.py", "edited.py", "new.py"]
