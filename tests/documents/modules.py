"""Folders and modules with the first lines of their docstrings."""

import ast
from pathlib import Path

from tests.documents.markdown import PACKAGES, ROOT, table


def folders() -> list[Path]:
    """Every package of ours but migrations, in the order of its path."""
    found = (path.parent for package in PACKAGES for path in (ROOT / package).rglob("__init__.py"))
    return sorted(folder for folder in found if folder.name != "migrations")


def first_line(path: Path) -> str:
    """The first line of a module's docstring, or "" where it has none."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def modules_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")


def named(folder: Path) -> str:
    return f"`{folder.relative_to(ROOT).as_posix()}/`"


def tree() -> str:
    rows = [
        [named(folder), first_line(folder / "__init__.py"), " ".join(f"`{path.stem}`" for path in modules_of(folder))]
        for folder in folders()
    ]
    return table(["folder", "what it is", "modules"], *rows)


def modules() -> str:
    parts = []
    for folder in folders():
        rows = [[f"`{path.name}`", first_line(path)] for path in modules_of(folder)]
        head = f"## {named(folder)}\n\n{first_line(folder / '__init__.py')}\n"
        parts.append(head + ("\n" + table(["module", "what it is"], *rows) if rows else ""))
    return "\n".join(parts)
