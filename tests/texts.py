"""The texts that code and templates mark for translation, by Django's own parser of templates and Babel's of Python."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages import extract
from django.template.base import NodeList, Template
from django.template.engine import Engine
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

ROOT = Path(__file__).parent.parent
APPS = ("charon", "markets", "miner", "signals")
KEYWORDS = dict.fromkeys(("_", "gettext", "gettext_noop", "gettext_lazy"))
# `_("…")` as the argument of a filter or of a tag.
ARGUMENT = re.compile(r"""_\("([^"]+)"\)|_\('([^']+)'\)""")


def python_files() -> list[Path]:
    return [path for app in APPS for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts]


def templates() -> list[Path]:
    return sorted((ROOT / "templates").rglob("*.html"))


def texts(path: Path) -> set[str]:
    return set(in_template(path) if path.suffix == ".html" else in_python(path))


def in_python(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for _line, message, *_ in extract.extract("python", file, KEYWORDS):
            yield str(message)


@cache
def engine() -> Engine:
    return Engine.get_default()


def in_template(path: Path) -> Iterator[str]:
    source = path.read_text(encoding="utf-8")
    # Django asks for a text of a template with each per cent sign doubled.
    yield from ((double or single).replace("%", "%%") for double, single in ARGUMENT.findall(source))
    nodes = Template(source, engine=engine()).nodelist
    for node in found(nodes, TranslateNode):
        literal = node.filter_expression.var.literal
        if isinstance(literal, str):
            yield literal.replace("%", "%%")
    for node in found(nodes, BlockTranslateNode):
        singular, _names = node.render_token_list(node.singular)
        yield singular


def found(nodes: NodeList, kind: type) -> list[Any]:
    return nodes.get_nodes_by_type(kind)
