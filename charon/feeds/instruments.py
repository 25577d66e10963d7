"""The instrument that an address names."""

from django.utils.translation import gettext as _

from charon.feeds.questions import LONGEST_CODE, NotFoundError, printable
from markets.errors import UnknownCodeError
from markets.models import Instrument
from markets.queries.prices import find_asset


def found(code: str) -> Instrument:
    """By code or alias in any case; raises NotFoundError with the nearest codes. One query, two for an alias."""
    if len(code) > LONGEST_CODE or not code.isprintable():
        raise NotFoundError(_("Nie znamy kodu %s.") % printable(code))
    try:
        return find_asset(code)
    except UnknownCodeError as error:
        nearest = ", ".join(error.detail["nearest"])
        message = _("Nie znamy kodu %s.") % printable(code)
        raise NotFoundError(f"{message} {_('Najbliższe: %s.') % nearest}" if nearest else message) from None
