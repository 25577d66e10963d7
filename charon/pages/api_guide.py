"""The page that shows programs how to ask: one question in each language, to copy."""

from typing import NamedTuple

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from markets import clock
from markets.models import Source
from markets.queries import calendars
from markets.views import HtmxRequest, Row, page, shown_sources

# Where nobody has said how the world calls this installation; static/api.js puts the address of the reader there.
HERE = "http://127.0.0.1:8000"


class Example(NamedTuple):
    """`{origin}` and `{rates}`, the path of the rates, are put in."""

    name: str
    code: str


EXAMPLES = (
    Example("curl", "curl '{origin}{rates}?code=USD&from=2026-01-01&format=csv'"),
    Example(gettext_noop("curl: kurs podatkowy"), "curl '{origin}{tax}?rule=pit&code=USD&date=2025-03-17&amount=1500'"),
    Example(
        "Python (pandas)",
        """import pandas as pd

url = "{origin}{rates}?code=USD&from=2026-01-01&format=csv"
rates = pd.read_csv(url, parse_dates=["effective_date"], dtype={{"mid": str}})""",
    ),
    Example(
        "Python",
        """import json, urllib.request
from decimal import Decimal

with urllib.request.urlopen("{origin}{latest}?code=EUR") as answer:
    print(json.load(answer, parse_float=Decimal))""",
    ),
    Example(
        "JavaScript",
        """const answer = await fetch("{origin}{rates}?code=USD&limit=5");
const {{ items }} = await answer.json();
for (const {{ effective_date, mid }} of items) console.log(effective_date, mid);""",
    ),
    Example(
        "Excel (Power Query)",
        '''= Csv.Document(Web.Contents("{origin}{rates}?code=USD&format=csv"), [Encoding = 65001])''',
    ),
    Example("Google Sheets", """=IMPORTDATA("{origin}{rates}?code=USD&format=sheets-pl"; CHAR(9); "pl_PL")"""),
    Example("LibreOffice Calc", """=WEBSERVICE("{origin}{one}?code=USD&date=2026-10-23")"""),
    Example("R", """kursy <- read.csv("{origin}{rates}?code=USD&format=csv")"""),
)  # fmt: skip
# Names of operations and what each is for, in the order in which people look for them.
OPERATIONS = (
    ("newest", gettext_noop("Najnowsze kursy wszystkich walut")),
    ("rates", gettext_noop("Historia kursów jednej waluty, także krzyżowych")),
    ("gold", gettext_noop("Cena złota za gram i za uncję")),
    ("tax_rate", gettext_noop("Kurs do rozliczenia podatku z dowodem")),
    ("convert", gettext_noop("Przeliczenie kwoty")),
    ("candle_list", gettext_noop("Świece kryptowalut i par")),
    ("latest", gettext_noop("Ceny bieżące")),
    ("signals", gettext_noop("Sygnały KUP i SPRZEDAJ")),
    ("alert_list", gettext_noop("Alerty")),
    ("compare", gettext_noop("Porównanie źródeł")),
    ("gaps", gettext_noop("Luki w danych")),
)


@require_safe
@cache_control(no_cache=True)
@conditional_page
def view(request: HtmxRequest) -> HttpResponse:
    """One query, of the footer."""
    context: Row = {
        "examples": [{"name": _(one.name), "code": filled(one.code)} for one in EXAMPLES],
        "operations": [{"path": reverse(f"api:{name}"), "about": _(about)} for name, about in OPERATIONS],
        "limit": settings.LIMIT_READS,
        "origin": settings.PUBLIC_URL or HERE,
        "sources": shown_sources(Source.objects.all()),
    }
    return page(request, "api/guide.html", context, until=calendars.midnight_after(clock.now()))


def filled(code: str) -> str:
    names = {"rates": "rates", "tax": "tax_rate", "latest": "newest", "one": "bare_number"}
    paths = {word: reverse(f"api:{name}") for word, name in names.items()}
    return code.format(origin=settings.PUBLIC_URL or HERE, **paths)
