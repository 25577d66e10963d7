"""The instruments that the list of alerts can be narrowed to."""

from django.db.models import Exists, OuterRef, Q

from markets.licence import Audience
from markets.models import Instrument, Listing
from signals.alerts import rows


def codes(asker: Audience) -> list[str]:
    """Of what is followed on markets and of what has had an alert that this asker may see, sorted; one query."""
    followed = Listing.objects.filter(instrument=OuterRef("pk"), tracked=True)
    fired = rows.events(asker).filter(instrument=OuterRef("pk"))
    found = Instrument.objects.filter(Q(Exists(followed)) | Q(Exists(fired)))
    return list(found.order_by("code").values_list("code", flat=True))
