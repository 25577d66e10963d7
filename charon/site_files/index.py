"""The index and the Parquet, out of the files that lie there."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from charon.site_files import columns, written, years
from markets.history_files import content, place
from markets.history_files.index import Line, address, encoded, revised


class Head(msgspec.Struct):
    """The part of a file that the index needs."""

    sources: list[dict[str, Any]]
    rows: list[msgspec.Raw]


def make(root: Path) -> str | None:
    """Both anew if anything differs; answers why there is no Parquet. Left to the next run where figures change."""
    folder = root / place.FOLDER
    lines, sources, paths = read(folder)
    parquet, why = None, None
    if columns.is_installed():
        parquet = parquet_of(root, lines, paths)
    else:
        why = f"{columns.PACKAGE} is not installed: make exports"
        place.remove(folder / place.PARQUET)
    data = encoded(lines, sources, parquet)
    index = folder / place.INDEX
    if written.is_whole(index, data):
        return why
    parts = written.packed(data)
    with place.alone(root) as is_alone:
        if is_alone and not place.marks(root):
            written.write(index, parts)
    return why


def read(folder: Path) -> tuple[list[Line], content.Facts, list[list[Path]]]:
    """A line for each year that has both files, the sources of all of them, and the files of each code."""
    corrected, lines, sources, paths = revised(), list[Line](), content.Facts(), list[list[Path]]()
    for code in codes_in(folder):
        bare = [path for path in years.files_in(folder / code) if path.name.count(".") == 1 and path.suffix == ".json"]
        found = [(path, line) for path in bare if (line := line_of(path, code, corrected, sources))]
        lines += [line for _, line in found]
        paths.append([path for path, _ in found])
    return lines, dict(sorted(sources.items())), paths


def codes_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and content.CODE.fullmatch(path.name))


def line_of(path: Path, code: str, corrected: dict[tuple[str, int], datetime], sources: content.Facts) -> Line | None:
    try:
        data, table = path.read_bytes(), path.with_suffix(".csv").read_bytes()
    except FileNotFoundError:  # taken away meanwhile
        return None
    head, year = msgspec.json.decode(data, type=Head), int(path.stem)
    sources.update({one["code"]: one for one in head.sources})
    named = [
        part
        for whole, kind in ((data, path), (table, path.with_suffix(".csv")))
        for part in (address(f"{code}/{written.named(kind, whole).name}"), written.sha256(whole))
    ]
    return (code, year, len(head.rows), corrected.get((code, year)), *named)


def parquet_of(root: Path, lines: list[Line], paths: list[list[Path]]) -> dict[str, Any] | None:
    """What the index says of it; made anew where the years are others than those that it was made of."""
    folder = root / place.FOLDER
    made_of = hashlib.sha256("".join(line[5] for line in lines).encode()).hexdigest()
    bare = folder / place.PARQUET
    told = place.told_by(folder / place.INDEX)
    known: dict[str, Any] | None = told["parquet"] if told else None
    if known and known["made_of"] == made_of and bare.exists() and (root / known["address"][1:]).exists():
        return known
    data = columns.made(paths)
    hashed = written.named(bare, data)
    if not written.is_whole(hashed, data, ("",)):
        years.outdated(bare)
        written.write(hashed, {"": data})
    with place.alone(root) as is_alone:
        if not is_alone or place.marks(root):
            return None
        written.link(hashed, bare, ("",))
    for path in years.old(folder, f"{bare.stem}.*{bare.suffix}", hashed.name):
        path.unlink()
    return {
        "address": address(hashed.name),
        "rows": sum(line[2] for line in lines),
        "bytes": len(data),
        "sha256": written.sha256(data),
        "made_of": made_of,
    }
