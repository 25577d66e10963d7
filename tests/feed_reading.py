"""Feeds and calendars as a reader's program takes them."""

from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from django.test import Client

ATOM = "{http://www.w3.org/2005/Atom}"
# Each of the feeds, its pictures and frames, with an instrument where one is named.
FEEDS = (
    *("/feeds/signals.atom", "/feeds/signals/USD.atom", "/feeds/alerts.atom", "/feeds/revisions.atom"),
    "/feeds/problems.atom",
)
CALENDARS = ("/feeds/publications.ics", "/feeds/holidays-pl.ics", "/feeds/holidays-target.ics")
PICTURES = ("/badge/USD.svg", "/spark/USD.svg")
EMBED = "/embed/USD"
ALL = (*FEEDS, *CALENDARS, *PICTURES, EMBED, "/llms.txt")


@dataclass(frozen=True)
class Read:
    title: str
    id: str
    updated: str
    published: str
    summary: str
    link: str


def root_of(client: Client, path: str, **headers: str) -> ET.Element:
    response = client.get(path, headers=headers)
    assert response.status_code == 200, response.content
    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ET.fromstring(response.content)


def entries(client: Client, path: str) -> list[Read]:
    return [read(entry) for entry in root_of(client, path).findall(f"{ATOM}entry")]


def read(entry: ET.Element) -> Read:
    texts: dict[str, Any] = {
        name: entry.findtext(f"{ATOM}{name}", "") for name in ("title", "id", "updated", "published", "summary")
    }
    link = entry.find(f"{ATOM}link")
    assert link is not None
    return Read(**texts, link=link.get("href", ""))
