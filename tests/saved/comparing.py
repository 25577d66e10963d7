"""Texts beside the files that hold them: compared, or, under REWRITE_SAVED, written anew."""

import os
from collections.abc import Mapping
from difflib import unified_diff
from itertools import islice
from pathlib import Path

REWRITE = "REWRITE_SAVED"
SHOWN_LINES, SHOWN_FILES = 24, 12


def compare(folder: Path, texts: Mapping[str, str]) -> str:
    """What differs, in words and short; empty when every file of the folder is as it should be."""
    saved = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.txt")}
    if os.environ.get(REWRITE):
        rewrite(folder, saved, texts)
        return ""
    lost = [f"{name} is saved, and nothing gives it any more" for name in sorted(saved.keys() - texts.keys())]
    changed = [
        difference(name, saved[name].read_bytes().decode() if name in saved else "", text)
        for name, text in sorted(texts.items())
        if name not in saved or saved[name].read_bytes() != text.encode()
    ]
    found = lost + changed
    if not found:
        return ""
    more = f"\n... and {len(found) - SHOWN_FILES} more" if len(found) > SHOWN_FILES else ""
    head = (
        f"{len(found)} differ from what is saved. If that is meant, run `make saved` and name each in the commit.\n\n"
    )
    return head + "\n".join(found[:SHOWN_FILES]) + more


def difference(name: str, before: str, after: str) -> str:
    lines = unified_diff(before.splitlines(), after.splitlines(), f"saved {name}", f"now {name}", n=1, lineterm="")
    return "\n".join(line[:300] for line in islice(lines, SHOWN_LINES))


def rewrite(folder: Path, saved: Mapping[str, Path], texts: Mapping[str, str]) -> None:
    for name in saved.keys() - texts.keys():
        saved[name].unlink()
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != text.encode():
            path.write_bytes(text.encode())
