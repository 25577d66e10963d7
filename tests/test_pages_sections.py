"""Parts of pages that are kept as markup: found again by all that they are made of, and by nothing less."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from charon.templatetags import sections
from markets.models import Source
from signals import tasks
from tests.test_pages_instrument import band, history

SECTION = "{% load sections %}{% section 'tax/_ask.html' 'ask' %}"


@pytest.fixture(autouse=True)
def rendered(monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]) -> list[str]:
    """The names of the sections that were rendered, with a shelf that is empty at first."""
    at("2026-11-21 09:00")
    names: list[str] = []

    def counted(name: str, values: dict[str, Any]) -> Any:
        names.append(name)
        return render_to_string(name, values)

    monkeypatch.setattr(sections, "render_to_string", counted)
    monkeypatch.setattr(sections, "SHELF", sections.Shelf())
    return names


def ask(**facts: Any) -> dict[str, Any]:
    return {"ask": {"day": "20.11.2026", "code": "USD", "currencies": [], "rules": []} | facts}


def shown(**facts: Any) -> str:
    return Template(SECTION).render(Context(ask(**facts)))


def test_the_same_rows_are_rendered_once(rendered: list[str]) -> None:
    assert shown() == shown()
    assert rendered == ["tax/_ask.html"]
    assert 'value="EUR"' in shown(code="EUR")
    assert len(rendered) == 2


def test_each_language_has_its_own(rendered: list[str]) -> None:
    polish = shown()
    with translation.override("en"):
        assert shown() != polish
    assert shown() == polish
    assert len(rendered) == 2


def test_words_are_escaped_also_where_markup_of_the_same_letters_was_shown_before() -> None:
    assert "<b>" in shown(code=mark_safe("<b>"))
    assert "<b>" not in shown(code="<b>")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Decimal("0.0247"), Decimal("0.02470")),
        ("1", 1),
        (True, 1),
        (None, ""),
        (["a", "b"], ["ab"]),
        (mark_safe("<b>"), "<b>"),
        ({"a": "b"}, {"b": "a"}),
    ],
)
def test_values_that_look_alike_are_told_apart(one: object, other: object) -> None:
    assert sections.fingerprint([one]) != sections.fingerprint([other])
    assert sections.fingerprint([one]) == sections.fingerprint([one]) is not None


def test_what_is_made_of_other_things_is_not_kept(rendered: list[str]) -> None:
    class Thing:
        def __str__(self) -> str:
            return "EUR"

    assert 'value="EUR"' in shown(code=Thing())
    assert 'value="EUR"' in shown(code=Thing())
    assert len(rendered) == 2
    assert sections.SHELF.size == 0
    assert sections.fingerprint([gettext_lazy("Dzień")]) == sections.fingerprint([gettext_lazy("Dzień")]) is not None


def test_a_section_sees_the_variables_that_it_names_and_no_others() -> None:
    source = "{% load sections %}{% section 'tax/_ask.html' 'other' %}"
    assert "USD" not in Template(source).render(Context(ask()))


def test_what_was_asked_for_least_recently_leaves_first(
    rendered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(sections, "MOST", 2 * len(shown()) + 1)
    shown(code="EUR")
    shown()
    shown(code="CHF")
    rendered.clear()
    shown()
    assert rendered == []
    shown(code="EUR")
    assert rendered == ["tax/_ask.html"]


def test_what_is_too_long_is_not_kept(rendered: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "LONGEST", 100)
    shown()
    shown()
    assert len(rendered) == 2
    assert sections.SHELF.size == 0


def test_the_footer_takes_rows_of_every_kind() -> None:
    bottom = Template("{% load sections %}{% bottom %}")
    row = {"attribution": "Dane: NBP", "licence": "CC0", "more": 1}
    assert bottom.render(Context({"sources": [row]})) == bottom.render(
        Context({"sources": [Source(attribution="Dane: NBP", licence="CC0")]})
    )
    assert "Dane: NBP" in bottom.render(Context({"sources": [row]}))


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/waluty/", "/waluty/USD/", "/en/waluty/USD/?zakres=Max", "/kurs-podatkowy/"])
def test_no_section_of_a_page_is_made_of_the_clock(
    client: Client, nbp: Source, rendered: list[str], at: Callable[[str], None], path: str
) -> None:  # fmt: skip
    """The same rows a minute later are the same sections."""
    history(nbp)
    band(nbp)
    tasks.catch_up()
    first = client.get(path).content.decode()
    rendered.clear()
    at("2026-11-21 09:01")
    again = client.get(path).content.decode()
    assert rendered == []
    assert len(again) == len(first)
