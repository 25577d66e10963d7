"""The newest alerts as entries; one that is over is the same entry, updated."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from charon.feeds.atom import MOST_ENTRIES, Entry
from charon.pages import alert_list
from markets import formats
from markets.licence import Audience
from signals.alerts import rows as alert_rows
from signals.alerts import words


def entries() -> Iterator[Entry]:
    """At most 50, the newest first; one query."""
    return map(entry, alert_rows.events(Audience.API).values(*alert_list.COLUMNS)[:MOST_ENTRIES])


def entry(event: Mapping[str, Any]) -> Entry:
    code, at, over = event["instrument__code"], event["created_at"], event["resolved_at"]
    what = words.what(event)
    began = _("Od %s.") % formats.moment(at)
    ended = _("Ustąpił %s.") % formats.moment(over) if over else ""
    return Entry(
        name=f"alert/{event['id']}",
        title=f"{code or event['subject']}: {what}",
        text=f"{began} {ended}".strip(),
        path=f"{reverse('alerts')}?{urlencode({'instrument': code})}" if code else reverse("alerts"),
        updated=over or at,
        published=at,
    )
