"""Who may import whom: no circle between modules, also none through a dotted name in a string."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("charon", "markets", "miner", "signals")
# A task or a module that the queue, the supervisor or Django loads by its name.
DOTTED = re.compile(r"(?:charon|markets|miner|signals)(?:\.[a-z_]+)+")


def modules() -> dict[str, Path]:
    """Every module of ours, without migrations: Django orders those itself."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]
    return {name_of(path): path for path in paths}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def longest_known(dotted: str, known: set[str]) -> str | None:
    """`miner.tasks.mine` names a function of `miner.tasks`."""
    while dotted and dotted not in known:
        dotted = dotted.rpartition(".")[0]
    return dotted or None


def names_in(tree: ast.AST) -> Iterator[str]:
    """What a module imports, at its top or inside a function, and the dotted names in its strings."""
    docstrings = {id(node.body[0].value) for node in ast.walk(tree) if has_docstring(node)}  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield from DOTTED.findall(node.value)


def has_docstring(node: ast.AST) -> bool:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, kinds) and ast.get_docstring(node) is not None


def imports() -> dict[str, set[str]]:
    paths = modules()
    known = set(paths)
    graph = {}
    for name, path in paths.items():
        found = (longest_known(dotted, known) for dotted in names_in(ast.parse(path.read_text())))
        graph[name] = {other for other in found if other and other != name}
    return graph


def circle_of(graph: dict[str, set[str]]) -> list[str]:
    """The modules of a circle of imports, the first of them again at the end; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.slow
def test_no_module_reaches_itself_again_over_others() -> None:
    assert circle_of({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}), "a circle is seen"
    graph = imports()
    assert graph["miner.tasks"] >= {"miner.collect.one_table", "markets.clock"}
    assert circle_of(graph) == []


def test_a_dotted_name_in_a_string_counts_as_an_import() -> None:
    tree = ast.parse('"""charon.settings"""\nput("miner.tasks.mine")\nfrom markets import clock')
    assert sorted(names_in(tree)) == ["markets.clock", "miner.tasks.mine"]
    assert longest_known("miner.tasks.mine", {"miner", "miner.tasks"}) == "miner.tasks"


@pytest.mark.slow
def test_one_client_asks_the_providers_and_one_module_knows_binance_us() -> None:
    """Pages, API and brain read what the miner stored: none of them can call a provider."""
    speak = {
        name for name, path in modules().items() if {"httpx", "requests"} & set(names_in(ast.parse(path.read_text())))
    }
    assert {name for name in speak if not name.startswith(("markets.network.", "miner.fetch."))} == {
        "signals.alerts.channels.http"
    }
    assert {name for name, others in imports().items() if "miner.providers.binance" in others} == {"miner.providers"}
