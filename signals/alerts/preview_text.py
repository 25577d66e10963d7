"""What a preview says, in the language that is on."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from markets import formats
from markets.clock import WARSAW

if TYPE_CHECKING:  # numpy comes with it
    from signals.alerts.preview import Would


def sentence(would: "Would") -> str:
    """`Zadziałałaby 14 razy w ciągu 365 dni, ostatnio 03.11.2026.`, and the threshold for one alert a week."""
    if not would.observations:
        return _("Nie ma jeszcze notowań, na których można by to sprawdzić.")
    times = formats.plural(would.times, _("raz,razy,razy"))
    days = formats.plural(would.days, _("dnia,dni,dni"))
    if would.last is None:
        text = _("Nie zadziałałaby ani razu w ciągu %(days)s.") % {"days": days}
    else:
        last = formats.day(would.last.astimezone(WARSAW).date())
        text = _("Zadziałałaby %(times)s w ciągu %(days)s, ostatnio %(last)s.") % {
            "times": times,
            "days": days,
            "last": last,
        }
    if would.weekly is None:
        return text
    weekly = _("Jeden alert na tydzień dałby próg %(threshold)s%%.") % {"threshold": formats.number(would.weekly)}
    return f"{text} {weekly}"
