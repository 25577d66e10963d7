"""The limits behind a server: the same bytes for every question, and bytes by their question from a dictionary.

`BYTES` names the folder of the answers that Charon gave: `year.json`, `twenty.json`.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

FILES = {file.stem: file.read_bytes() for file in Path(os.environ["BYTES"]).glob("*.json")}
HEADERS = {
    name: [("Content-Type", "application/json; charset=utf-8"), ("Content-Length", str(len(body)))]
    for name, body in FILES.items()
}
YEAR, YEAR_HEADERS = FILES["year"], HEADERS["year"]
# By the words of the question, as an application would keep them.
KEPT = {(f"/{name}", f"code=USD&of={name}"): (HEADERS[name], body) for name, body in FILES.items()}

Start = Callable[[str, list[tuple[str, str]]], Any]


def constant(environ: dict[str, Any], start: Start) -> Iterable[bytes]:  # noqa: ARG001
    start("200 OK", YEAR_HEADERS)
    return [YEAR]


def dictionary(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    found = KEPT.get((environ["PATH_INFO"], unquote_plus(environ["QUERY_STRING"])))
    if found is None:
        start("404 Not Found", [("Content-Length", "0")])
        return [b""]
    headers, body = found
    start("200 OK", headers)
    return [body]
