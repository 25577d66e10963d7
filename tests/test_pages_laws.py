"""What holds for every page: both languages, few statements, nothing of the clock, no address and no text by hand."""

import re
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.translation import trans_real

from charon.pages.tax.ask import COMMON
from charon.templatetags import sections
from markets import clock, formats
from markets.instruments.names import currency_name
from markets.models import Instrument, Source
from markets.queries.overview import TILES
from tests import page_laws
from tests.market import decision
from tests.test_pages_instrument import band, history
from tests.texts import ROOT, templates

MOST_STATEMENTS = 8
LANGUAGES = ("pl", "en")
ADDRESS = re.compile(r"""(?:href|action|hx-get|hx-post|src|data-src)=["'](/[^"']*)""")
# Addresses that no page of ours has: documentation of the API, and its own addresses in examples.
FOREIGN = re.compile(r"/(?:docs|redoc|api/v1/\S*)$")
IN_SCRIPT = re.compile(r"""["'`]/(?:en|waluty|zloto|krypto|sygnaly|alerty|miner|status|dane|kurs|ui|wykres|tabele)\b""")
DOCUMENTED = re.compile(r'"""(?:.|\n)*?"""')
MARK = re.compile(r"⟦[^⟦⟧]*⟧")
FORMS = re.compile(r"[^,.]+(?:,[^ ,.][^,.]*)+")
WORD = re.compile(r"[^\W\d_]{2,}")
# Names and units that are the same in every language.
ALLOWED = set(
    WORD.findall(
        """Charon DEMO NBP ECB API Atom EN PL MACD EMA RSI VWAP min max PLN zł USD BTC Redis nbp ecb Polski English
        TARGET Max SHA eurofxref OpenAPI ReDoc CSV XLSX JSON PIT VAT CIT KSeF UTC Europe Warsaw"""
    )
)


@pytest.fixture
def filled(nbp: Source, at: Callable[[str], None]) -> None:
    at("2026-11-21 09:00")
    for code in ("USD", "EUR"):
        history(nbp, code, count=60)
    history(nbp, "XAU", count=60, letter="gold")
    history(nbp, "AED", count=3, letter="B")
    band(nbp)
    decision(1)


class Marked:
    """A catalogue whose every text stands in marks: what has none did not come from it."""

    def __init__(self, true: Any) -> None:
        self.true = true

    def __getattr__(self, name: str) -> Any:
        return getattr(self.true, name)

    def get(self, key: object, default: object = None) -> object:
        found = self.true.get(key, default)
        if not isinstance(found, str) or not found:
            return found
        # The forms of a plural are parted at their commas later.
        return ",".join(f"⟦{form}⟧" for form in found.split(",")) if FORMS.fullmatch(found) else f"⟦{found}⟧"


def forget_kept_markup() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith(("charon.pages.", "charon.templatetags.", "signals.rules")):
            for kept in vars(module).values():
                if hasattr(kept, "cache_clear"):
                    kept.cache_clear()
    sections.SHELF.clear()


@pytest.fixture
def marked() -> Iterator[None]:
    """What pages keep is forgotten on both sides: marks in it would reach the next test."""
    forget_kept_markup()
    english = trans_real.translation("en")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(english, "_catalog", Marked(english._catalog))  # type: ignore[attr-defined]
        yield
    forget_kept_markup()


def asked(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


@pytest.mark.slow
@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_says_what_it_is_in_its_language(client: Client, language: str) -> None:
    for address in page_laws.addresses(language):
        content = asked(client, address)
        assert f'<html lang="{language}">' in content, address
        assert len(re.findall(r"<h1[ >]", content)) == 1, address
        assert re.search(r"<title>[^<]{4,} · Charon</title>", content), address
        assert re.search(r'<meta name="description" content="[^"]{20,}">', content), address
        assert re.findall(r'hreflang="([^"]+)" href', content)[:3] == ["pl", "en", "x-default"], address
        assert '\n<link rel="canonical"' in content, address


@pytest.mark.slow
@pytest.mark.usefixtures("filled")
def test_a_page_asks_few_statements(client: Client) -> None:
    many = {}
    for address in page_laws.addresses("pl"):
        asked(client, address)
        with CaptureQueriesContext(
            connection,
        ) as made:
            asked(client, address)
        if len(made) > MOST_STATEMENTS:
            many[address] = len(made)
    assert many == {}


@pytest.mark.slow
@pytest.mark.usefixtures("filled")
def test_nothing_on_a_page_depends_on_the_second_it_is_drawn(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now, different = clock.now(), []
    for address in page_laws.addresses("pl"):
        monkeypatch.setattr(clock, "now", lambda: now)
        response = client.get(address)
        if "private" in response.headers.get("Cache-Control", ""):
            continue  # a form with a token of its own is kept nowhere
        until = getattr(response, "until", None)
        if until is not None:
            assert until > now, address
            later = min(until - timedelta(seconds=1), now + timedelta(minutes=30))
            monkeypatch.setattr(clock, "now", lambda later=later: later)
        if until is None or client.get(address).content != response.content:
            different.append(address)
    assert different == []


@pytest.mark.slow
@pytest.mark.usefixtures("filled", "marked")
def test_every_word_on_an_english_page_is_of_the_catalogue_or_data(client: Client) -> None:
    data = data_words()
    strange = {address: found for address in page_laws.addresses("en") if (found := strangers(client, address, data))}
    assert strange == {}, strange


def data_words() -> set[str]:
    rows = Instrument.objects.values_list("code", "name_en")
    texts = [word for row in rows for word in row if word]
    texts += [currency_name(row[0], "en") for row in rows]
    texts += [f"{code} {currency_name(code, 'en')}" for code in (*COMMON, *TILES)]  # also without a rate of theirs
    texts += [" ".join(map(str, row)) for row in Source.objects.values_list("code", "name", "attribution", "licence")]
    texts += [*formats.locale_of("en").names]
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mon Tue Wed Thu Fri Sat Sun"
    return set(WORD.findall(" ".join([*texts, months]))) | ALLOWED


def strangers(client: Client, address: str, data: set[str]) -> list[str]:
    found = (MARK.sub(" ", text) for text in page_laws.words_of(nested(asked(client, address))))
    return sorted({word for text in found for word in WORD.findall(text) if word not in data})


def nested(content: str) -> str:
    """Texts that stand within texts lose their inner marks first; a moment within a text does not part it."""
    content = re.sub(r"</?time\b[^>]*>", "", content)
    while (flat := re.sub(r"⟦([^⟦⟧]*)⟦([^⟦⟧]*)⟧", r"⟦\1\2", content)) != content:
        content = flat
    return content


def typed() -> Iterator[str]:
    for path in templates():
        if "admin" not in path.parts:
            for address in ADDRESS.findall(path.read_text(encoding="utf-8")):
                if not FOREIGN.match(address):
                    yield f"{path.relative_to(ROOT)}: {address}"
    scripts = list((ROOT / "static").glob("*.js"))
    for path in [*scripts, *sorted((ROOT / "charon" / "pages").rglob("*.py")), *sorted((ROOT / "miner").glob("*.py"))]:
        text = DOCUMENTED.sub("", path.read_text(encoding="utf-8"))
        yield from (f"{path.relative_to(ROOT)}: {one}" for one in IN_SCRIPT.findall(text))


def test_no_address_is_typed_by_hand() -> None:
    found = sorted(typed())
    assert found == [], found


def test_both_languages_are_those_of_the_settings() -> None:
    assert tuple(code for code, _name in settings.LANGUAGES) == LANGUAGES
