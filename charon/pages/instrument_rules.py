"""All rules on an instrument's page: how each stands, why, and what its past decisions were worth."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from charon.pages import rows
from charon.pages.badge import Badges
from charon.pages.charts.question import Question, parameters
from charon.pages.instrument_signal import Closes, States
from markets import formats
from markets.decimals import scale_of
from markets.queries.freshness import Freshness
from markets.queries.headline import Headline
from markets.queries.overview import LatestRate
from markets.views import Row
from signals import decided, queries, rules
from signals.decided import Decided, Stated
from signals.digits import rounded, small
from signals.outcomes import of_series
from signals.outcomes.queries import Shown
from signals.rules import Rule
from signals.rules.rule import OFFICIAL, Value

# Of a rule with more values, the eight averages of the ribbon, the first and the last are shown.
MOST_VALUES = 4
# A record changes once a night: 200 instruments in two languages.
KEPT = 512


def context(
    found: Headline, truth: Freshness, states: States, turns: Mapping[str, Decided], closes: Closes, question: Question
) -> Row:  # fmt: skip
    """One statement: the record. Table B is not decided on, but what was before it moved there keeps its rules."""
    active = rules.active()
    applied = [rule for rule in active if applies(rule)]
    path = rows.page_of(found.line.code)
    hrefs = {rule.name: path + chosen(rule, question) + rows.EXPLANATION for rule in applied}
    others = [{"name": one.label, "href": hrefs[one.name]} for one in applied if one.name != question.rule.name]
    if found.line.table == "B":
        return {"others": others, "rules": [], "rules_beside": []}
    told = records(tuple(of_series.rows(found.instrument)), found.line.code, get_language() or "")
    shown = [
        rule_row(rule, found.line, truth, states.get((rule.name, decided.KEEPER)))
        | {
            "href": hrefs[rule.name],
            "why": why(rule, turns.get(rule.name), states.get((rule.name, decided.KEEPER)), closes),
            "record": told.get(rule.name, ""),
        }
        for rule in applied
    ]
    return {"others": others, "rules": shown, "rules_beside": [rule.label for rule in active if not applies(rule)]}


def applies(rule: Rule) -> bool:
    """Whether a series of official rates has what it needs."""
    return rule.needs <= {"close", OFFICIAL}


def chosen(rule: Rule, question: Question) -> str:
    """The end of an address that asks for the page under this rule; the primary one is not named."""
    return parameters(question, regula="" if rule.name == question.primary else rule.name)


def why(rule: Rule, turn: Decided | None, state: Stated | None, closes: Closes) -> str:
    """Of the newest BUY or SELL, where the rule stands."""
    if turn is None or state is None or not state.stats.get("turned_on"):
        return ""
    return decided.why(rule, turn, closes.before(turn.day), closes.scale_at(turn.day))


def rule_row(rule: Rule, line: LatestRate, truth: Freshness, state: Stated | None) -> Row:
    stands = {line.code: queries.signal_state(state.status, state.stats)} if state else {}
    return {
        "name": rule.name,
        "label": rule.label,
        "chip": None if line.retired else Badges(stands, rule.label, truth).of(line),
        "values": values_row(rule, state.stats if state else {}, scale_of(line.value)),
    }


def values_row(rule: Rule, stats: Mapping[str, Any], scale: int) -> list[tuple[str, str]]:
    titled = [value for value in rule.values if value.title and stats.get(value.name) is not None]
    shown = titled if len(titled) <= MOST_VALUES else [titled[0], titled[-1]]
    return [(value.title, value_text(value, stats[value.name], scale)) for value in shown]


def value_text(value: Value, number: float, scale: int) -> str:
    return small(number, scale) if value.signed else formats.number(rounded(number, scale))


@lru_cache(KEPT)
def records(
    panels: tuple[tuple[Any, ...], ...], code: str, language: str  # noqa: ARG001  of the words
) -> dict[str, SafeString]:  # fmt: skip
    """By rule, as ready markup that escapes every word: 360 cells cost a template 4 ms."""
    shown = map(of_series.shown, panels)
    return {rule: record(code, list(found)) for rule, found in groupby(shown, lambda one: one.rule)}


def record(code: str, panels: Iterable[Shown]) -> SafeString:
    """A group for what was decided in retrospect and one for what was decided live, each with all its horizons."""
    ordered = sorted(panels, key=lambda one: one.live)
    groups = [(origin, list(found)) for origin, found in groupby(ordered, lambda one: one.origin)]
    label = ordered[0].label
    said = format_html_join("\n", "{}", ((sentences(origin, found),) for origin, found in groups))
    tables = format_html_join("\n", "{}", ((figures(origin, found),) for origin, found in groups))
    return format_html(
        '{}\n<details id="liczby-{}"><summary>{}<span class="unseen">: {}</span></summary>\n{}\n'
        '<p class="note"><a href="{}">{}</a></p></details>',
        said, ordered[0].rule, _("Liczby bilansu"), label, tables,
        f"{reverse('api:outcomes')}?{urlencode({'code': code, 'rule': ordered[0].rule})}", _("Te same liczby w API"),
    )  # fmt: skip


def sentences(origin: str, panels: list[Shown]) -> SafeString:
    """Sentences that say the same of every horizon stand once."""
    alike = len({one.sentence for one in panels}) == 1
    head = f"{origin}, {counted(panels)}" if alike else origin
    lines = [sentence(one, alike=alike) for one in (panels[:1] if alike else panels)]
    return format_html(
        '<p class="record"><small>{}</small>{}</p>', head, format_html_join("", "{}", ((one,) for one in lines))
    )


def sentence(one: Shown, *, alike: bool) -> SafeString:
    """Coloured where it was told from chance, in either direction."""
    kinds = " ".join([*([] if alike else ["line"]), *(["told"] if one.colour else [])])
    after = "" if alike else f"{one.after}, {counted([one])}: "
    return format_html(' <span class="{}">{}{}</span>', kinds, after, one.sentence)


def figures(origin: str, panels: list[Shown]) -> SafeString:
    """A row each and a column a horizon."""
    facts = [dict(one.facts) for one in panels]
    names = dict.fromkeys(name for found in facts for name in found)
    columns = format_html_join("", '<th scope="col" class="number">{}</th>', ((one.horizon,) for one in panels))
    body = format_html_join(
        "\n",
        '<tr><th scope="row">{}</th>{}</tr>',
        ((name, cells([found.get(name, formats.DASH) for found in facts])) for name in names),
    )
    head = format_html('<th scope="col">{}</th>{}', _("Ile notowań od wejścia"), columns)
    return format_html(
        '<table class="outcomes"><caption>{}</caption>\n<thead><tr>{}</tr></thead>\n<tbody>{}</tbody></table>',
        origin, head, body,
    )  # fmt: skip


def cells(values: Iterable[str]) -> SafeString:
    return format_html_join("", '<td class="number">{}</td>', ((value,) for value in values))


def counted(panels: list[Shown]) -> str:
    """`85 sygnałów`; `83–85 sygnałów` where the newest ones are not over yet on the longer horizons."""
    least, most = min(one.n for one in panels), max(one.n for one in panels)
    words = formats.plural(most, _("sygnał,sygnały,sygnałów"))
    return words if least == most else f"{formats.whole(least)}{formats.DASH}{words}"
