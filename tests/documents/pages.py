"""Which part stands between which markers of which page."""

import re
from collections.abc import Callable
from pathlib import Path

from tests.documents import modules, tables, targets
from tests.documents.markdown import ROOT, read

PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def decisions() -> list[Path]:
    return sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


def title(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def list_of_decisions() -> str:
    return "".join(f"- [{title(path)}]({path.name})\n" for path in decisions())


PARTS: dict[str, Callable[[], str]] = {
    "tree": modules.tree,
    "modules": modules.modules,
    "tables": tables.tables,
    "data-model": tables.data_model,
    "decisions": list_of_decisions,
    "targets": targets.targets,
}
PAGES = ("docs/architecture.md", "docs/modules.md", "docs/data-model.md", "docs/decisions/README.md", "CONTRIBUTING.md")


def rewritten(page: str) -> str:
    """The page with each generated part as the code has it now."""
    return PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]()}\n{part[3]}", read(page))
