"""Which addresses are kept, and the parameters that each of them knows.

What an address adds to these (`utm_source`, `fbclid`, `x`) makes no new question: the page never sees it. Of the API a
parameter that is unknown is an error, which Django says.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from django.urls import Resolver404, resolve
from django.utils import translation

from charon.api.addresses import API, canonical
from charon.api.plain import PATH, Plain, read_of
from charon.kept.watched import PUBLIC, TABLES, WORK
from charon.languages import language_of
from charon.pages.converter import FIELDS as CONVERTED
from charon.pages.tax.fields import FIELDS as TAXED
from markets.redis.generations import ANY

# Prices of markets are on no page of official figures, though both have their rows in the table of quotes.
OFFICIAL, ALL = (ANY, PUBLIC, WORK), (ANY, *TABLES)
TABLE = ("tabela", "filtr", "sort")
CHART = ("zakres", "interwal", "od", "do", "porownaj", "skala", "regula", "zrodlo", "wskazniki")
MONTH = ("rok", "miesiac")


class Page(NamedTuple):
    """The parameters that a page reads, and the scopes of the tables that it shows.

    A brief one shows the machine room, which no table tells whole: processes, Redis, the disk.
    """

    names: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ALL
    is_brief: bool = False


# Pages by the name of their route. Those that answer an account or a form that somebody typed into are not here.
PAGES: Mapping[str, Page] = {
    "dashboard": Page(TABLE),
    "currencies": Page(TABLE, OFFICIAL),
    "currency": Page((*CHART, *MONTH), OFFICIAL),
    "gold": Page((*CHART, *MONTH), OFFICIAL),
    "table_day": Page((), OFFICIAL),
    "chart_data": Page(CHART),
    "chart_table": Page(CHART),
    "crypto": Page(("interwal", "sort")),
    "coin": Page(("okno", *CHART)),
    "ui": Page(),
    "ui_asset": Page(("okno", *CHART)),
    "tax": Page(tuple(TAXED), OFFICIAL),
    "converter": Page(tuple(CONVERTED)),
    "signals": Page(("instrument", "regula", "interwal", "sygnal", "tryb", "od", "do", "strona")),
    "signal": Page(),
    "data": Page(("zrodlo", "tabela", "rok"), OFFICIAL),
    "revisions": Page(("strona",), OFFICIAL),
    "comparison": Page(),
    "jobs": Page(("zrodlo", "stan", "strona"), is_brief=True),
    "status": Page(("rodzaj", "kanal", "tekst"), is_brief=True),
    "method": Page((), OFFICIAL),
    "api_guide": Page((), OFFICIAL),
}
# What must be true this moment, and what brings a nonce with each answer.
NEVER = {f"{API}health", f"{API}redoc", f"{API}docs"}
LONGEST_PATH = LONGEST_QUERY = 300
MAX_KNOWN = 4096


class Question(NamedTuple):
    """`path` and `query` as Django is asked; two addresses that mean the same have the same `key`. `plain` is the
    plainest question of the API.
    """

    path: str
    query: str
    key: tuple[str, ...]
    scopes: tuple[str, ...]
    is_api: bool = False
    is_brief: bool = False
    plain: Plain | None = None


def question_of(path: str, query: str) -> Question | None:
    """None for what is not kept, and for addresses of which four thousand would fill the memory."""
    return judged(path, query) if len(path) <= LONGEST_PATH and len(query) <= LONGEST_QUERY else None


@lru_cache(MAX_KNOWN)
def judged(path: str, query: str) -> Question | None:
    path, pairs = canonical(path), parse_qsl(query, keep_blank_values=True)
    if path.startswith(API):
        if path in NEVER or dict(pairs).get("format", "json") != "json":
            return None
        asked = read_of(query) if path == PATH else None
        return Question(path, urlencode(pairs), (path, in_order(pairs)), ALL, is_api=True, plain=asked)
    known = page(path)
    if known is None:
        return None
    pairs = [pair for pair in pairs if pair[0] in known.names]
    return Question(path, urlencode(pairs), (path, in_order(pairs)), known.scopes, is_brief=known.is_brief)


def in_order(pairs: list[tuple[str, str]]) -> str:
    """Values of one name stay in theirs."""
    return urlencode(sorted(pairs, key=lambda pair: pair[0]))


def page(path: str) -> Page | None:
    with translation.override(language_of(path)):  # the routes below /en/ are there in English alone
        try:
            return PAGES.get(resolve(path).view_name)
        except Resolver404:
            return None
