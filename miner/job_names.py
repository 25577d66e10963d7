"""The names of jobs as people read them."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from markets.store.gaps import CANDLES

# What is done for all sources together.
NAMES = {
    "batch.priority": gettext_lazy("Najważniejsze instrumenty: ceny bieżące"),
    "batch.secondary": gettext_lazy("Pozostałe instrumenty: ustawienie w kolejce"),
    "batch.queue": gettext_lazy("Kolejka priorytetów: następne instrumenty"),
    "resume": gettext_lazy("Porządki: wznowienie przerwanych wczytań"),
    "reap": gettext_lazy("Porządki: przerwane zadania"),
    "retention": gettext_lazy("Porządki: stare ceny, świece i zadania"),
    "listings": gettext_lazy("Wykazy symboli źródeł"),
    "problems": gettext_lazy("Porządki: szukanie problemów"),
    "compare": gettext_lazy("Porównanie źródeł"),
    "alerts.watchdog": gettext_lazy("Alerty: ocena wszystkich reguł"),
    "alerts.delivery": gettext_lazy("Alerty: wysyłanie wiadomości"),
    "alerts.canary": gettext_lazy("Alerty: wiadomość kontrolna"),
    "alerts.retention": gettext_lazy("Porządki: stare alerty i wiadomości"),
    "outcomes.nightly.candles": gettext_lazy("Wyniki reguł: świece"),
    "outcomes.nightly.official": gettext_lazy("Wyniki reguł: kursy urzędowe"),
}


def label(job_type: str, names: Mapping[str, str]) -> str:
    """`nbp.A` as people say it: the name of the source and of what it publishes, in the language that is on."""
    code, _dot, rest = job_type.partition(".")
    if code == "brain":
        return _("Sygnały: sprawdzenie, czy wszystko wyliczono")
    if code == "assets":
        return _("Wyszukanie symbolu %s") % rest
    if job_type in NAMES:
        return str(NAMES[job_type])
    series, _dot, part = rest.partition(".")
    if series.startswith(CANDLES):
        series, part = "candles", series.removeprefix(CANDLES)
    known = {
        "gold": _("złoto"),
        "mid": _("kursy średnie"),
        "eurofxref": _("kursy referencyjne"),
        "": _("wszystkie tabele"),
        "quotes": _("ceny bieżące"),
        "history": _("historia cen"),
        "candles": _("świece %s") % part,
        "fill": _("historia świec %s") % part if part else _("zamówiona historia"),
        "gaps": _("luki"),
        "price": _("historia cen"),
        "listing": _("wykaz symboli"),
        "check": _("sprawdzenie połączenia"),
    }
    what = known.get(series, _("tabela %s") % series)
    window = _(", okno publikacji") if part.startswith("window") else ""
    return f"{_(names[code])}: {what}{window}" if code in names else job_type
