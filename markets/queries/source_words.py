"""The state of a source in words, the same on every page and in the admin."""

from django.utils.translation import gettext as _

from markets import formats
from markets.queries.source_state import SourceState, State


def words(state: SourceState) -> str:
    """A source that does not answer is called so only when it could not be reached; an error names its reason."""
    if state.state == State.OFF:
        return off_words(state)
    if state.state == State.FAILED and state.trouble:
        return _("nie odpowiada") if state.trouble.unreachable else _("błąd: %s") % state.trouble.label
    if state.state == State.COOLING and state.cooling_until:
        return _("przerwa do %s") % formats.moment(state.cooling_until)
    if state.state == State.OK and state.stands_in_for:
        return _("działa, zastępuje: %s") % state.stands_in_for
    plain = {
        State.OK: _("działa"),
        State.PENDING: _("jeszcze nie pytano"),
        State.LATE: _("czeka na najnowsze dane"),
        State.FILLING: _("wczytuje historię"),
        State.STALE: _("dane nieaktualne"),
    }
    return plain[state.state]


def off_words(state: SourceState) -> str:
    if state.why == "paused" and state.source.paused_until:
        return _("wstrzymane do %s") % formats.moment(state.source.paused_until)
    why = {"no_key": _("wyłączone: brak klucza API"), "unavailable": _("wyłączone: ta wersja go nie zna")}
    return why.get(state.why, _("wyłączone"))
