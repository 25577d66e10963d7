"""An Atom feed (RFC 4287) out of entries: names that no other installation gives, no moment that is only now."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.http import http_date

from markets import clock

MOST_ENTRIES = 50
# The year since when these names are ours (RFC 4151, 2.1): part of every name, it never changes.
SINCE = "2026"
# What XML 1.0 has no way to write (2.2, Char): a name of a source could hold it, and the whole feed would not be read.
NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """`name` is unique among all feeds, as `signal/USD/macd/1d/2026-10-15`; `path` is the page of it, here."""

    name: str
    title: str
    text: str
    path: str
    updated: datetime
    published: datetime | None = None


class Feed(Atom1Feed):
    """Django dates a feed without entries by the clock: each answer would have other bytes."""

    def latest_post_date(self) -> datetime:
        moments = [item["updateddate"] for item in self.items]
        return max(moments, default=datetime.combine(clock.today(), time.min, clock.WARSAW).astimezone(UTC))


def answer(request: HttpRequest, title: str, page: str, entries: Iterable[Entry], rights: str) -> HttpResponse:
    """The feed of these entries; `page` is where people read the same, `rights` whose figures they are."""
    origin = origin_of(request)
    feed = Feed(
        title=clean(f"DEMO · {title}" if settings.DEMO else title),
        link=origin + page,
        description=None,
        language=translation.get_language(),
        author_name="Charon",
        feed_url=origin + request.get_full_path(),
        feed_guid=name_of("feed" + request.get_full_path()),
        feed_copyright=clean(rights) or None,
    )
    for entry in entries:
        feed.add_item(
            title=clean(entry.title),
            link=origin + entry.path,
            description=escape(clean(entry.text)),  # a summary is HTML
            unique_id=name_of(entry.name),
            updateddate=entry.updated,
            pubdate=entry.published,
        )
    response = HttpResponse(feed.writeString("utf-8"), content_type=Feed.content_type)
    response.headers["Last-Modified"] = http_date(feed.latest_post_date().timestamp())
    return response


def origin_of(request: HttpRequest) -> str:
    """PUBLIC_URL, or without one the address that was asked."""
    return settings.PUBLIC_URL or request.build_absolute_uri("/").removesuffix("/")


def name_of(what: str) -> str:
    """A tag URI (RFC 4151), which must not change with the address that was asked: `localhost` without PUBLIC_URL."""
    host = (urlsplit(settings.PUBLIC_URL).hostname or "localhost").strip("[]").replace(":", "-")
    return f"tag:{host},{SINCE}:{quote(what, safe='/-._')}"


def clean(text: str) -> str:
    """Without what neither XML nor a calendar can carry."""
    return NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
