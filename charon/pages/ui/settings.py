"""What is followed, and the thresholds of the rule that nobody has to make. For the staff alone."""

import re

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse, HttpResponseForbidden
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from charon.pages.ui import overview
from markets import formats
from markets.access import FOLLOW, UNFOLLOW, user_may
from markets.errors import ConflictError, UnknownCodeError
from markets.jobs import lookups
from markets.queries import followed, listed, prices
from markets.queries.followed import Followed, SourceFacts
from markets.store import assets, listings
from markets.views import HtmxRequest, Row
from signals.alerts import automatic
from signals.alerts.models import Direction

# As the API takes a symbol.
SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9:/_.\-]{0,31}")
ENVIRONMENT = ("ALERT_WINDOW_MINUTES", "ALERT_THRESHOLD_PCT")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def settings_page(request: HtmxRequest) -> HttpResponse:
    """Whoever is not of the staff logs in at the admin first. A second click of the same button changes nothing."""
    if not (request.user.is_active and request.user.is_staff):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if request.method == "POST":
        return change(request)
    return render(request, "ui/settings.html", context(request))


def change(request: HtmxRequest) -> HttpResponse:
    """Follow or leave, then show the page anew: a reload does not send it again."""
    symbol = request.POST.get("symbol", "").strip()
    action = request.POST.get("dzialanie", "")
    needed = UNFOLLOW if action == "usun" else FOLLOW
    if not user_may(request.user, *needed):
        return HttpResponseForbidden(render(request, "403.html").content)
    if not SYMBOL.fullmatch(symbol):
        text = _("Podaj symbol, na przykład BTC, ETHUSDT albo EUR/USD.")
        return render(request, "ui/settings.html", context(request) | {"typed": symbol[:32], "error": text}, status=422)
    try:
        said = leave(symbol) if action == "usun" else follow(symbol)
    except UnknownCodeError as error:
        near = ", ".join((error.detail or {}).get("nearest", []))
        text = _("Nie znamy %s.") % symbol.upper()
        text += _(" Chodziło o: %s?") % near if near else ""
        return render(request, "ui/settings.html", context(request) | {"typed": symbol, "error": text}, status=404)
    messages.success(request, said)
    return redirect("ui_settings")


def follow(symbol: str) -> str:
    """Raises UnknownCodeError for what no source lists; what is followed already is no fault."""
    try:
        instrument = assets.follow(symbol)
    except ConflictError as error:
        meant = str(error.detail["symbol"])
        return _("%s jest już obserwowany albo oznacza coś innego.") % meant
    if instrument is not None:
        return _("%s jest obserwowany od teraz; pierwsza cena przyjdzie przy następnym pobraniu.") % instrument.code
    if not listed.unasked().exists():
        raise UnknownCodeError(f"No source lists {symbol!r}", {"nearest": listed.nearest_assets(symbol)})
    lookups.request(symbol)
    return _("Pytamy źródła, czy mają %s; wynik pokaże dziennik pobierania.") % symbol.upper()


def leave(symbol: str) -> str:
    """What is not followed any more, by an earlier click, is none of a fault."""
    instrument = prices.find_asset(symbol)
    if listings.leave(instrument):
        return _("%s nie jest już obserwowany; jego historia zostaje.") % instrument.code
    return _("%s nie był obserwowany.") % instrument.code


def context(request: HtmxRequest) -> Row:
    sources = followed.sources()
    return {
        "assets": [asset_row(one, sources) for one in overview.urgent_first(followed.followed())],
        "defaults": defaults(),
        "follows": user_may(request.user, *FOLLOW),
        "leaves": user_may(request.user, *UNFOLLOW),
        "sources": followed.shown(sources.values()),
        "typed": "",
        "error": "",
    }


def asset_row(one: Followed, sources: dict[str, SourceFacts]) -> Row:
    names = [_(sources[code].name) for code in one.sources if code in sources]
    return {**overview.shared(one), "sources": ", ".join(names)}


def defaults() -> Row:
    """What holds for every followed asset that has no rule of its own."""
    held = automatic.defaults()
    return {
        "window": _("%s min") % formats.whole(held["window_minutes"]),
        "threshold": f"{formats.number(held['threshold_pct'].normalize() + 0)}%",
        "direction": str(Direction(held["direction"]).label),
        "enabled": held["enabled"],
        "names": ENVIRONMENT,
    }
