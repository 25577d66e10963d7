"""The folders that the documents are about, and how a table is written."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("charon", "markets", "miner", "signals")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def table(*rows: list[str]) -> str:
    """A Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]) + "\n"
