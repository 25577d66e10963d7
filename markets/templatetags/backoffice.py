"""What the pages of the admin need of Python."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.contrib.admin.models import LogEntry
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.text import capfirst

register = template.Library()


@register.filter
def reason(entry: LogEntry) -> str:
    """Why it was changed, as the form asked (markets.admin_edits); empty where it did not ask."""
    try:
        said = json.loads(entry.change_message)
    except ValueError:
        return ""
    if not isinstance(said, list):
        return ""
    return "; ".join(str(one["reason"]) for one in said if isinstance(one, dict) and "reason" in one)


@register.filter
def labelled(cells: Iterable[str], headers: Sequence[dict[str, Any]]) -> list[str]:
    """Django's cells with the name of their column, which a phone shows beside each (a table has no room there)."""
    return [cell(text, str(header.get("text", ""))) for text, header in zip(cells, headers, strict=False)]


def cell(text: str, name: str) -> str:
    if not text.startswith("<td") or "<" in name:
        return text
    return SafeString(f'<td data-label="{escape(capfirst(name))}:"{text[3:]}')
