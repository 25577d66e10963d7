"""The formats as template filters and the tag of a moment: `{% load formats %}`."""

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from markets import formats

register = template.Library()

for formatted in (
    formats.at,
    formats.day,
    formats.long_day,
    formats.moment,
    formats.month,
    formats.near,
    formats.number,
    formats.percent,
    formats.plural,
    formats.short_day,
    formats.signed,
    formats.whole,
):
    register.filter(formatted)


@register.simple_tag(name="moment")
def time_element(value: datetime | None) -> SafeString | str:
    """`<time datetime="2026-11-20T10:52:00Z" data-rel>20.11.2026, 11:52</time>`; static/app.js adds "8 min temu"."""
    if value is None:
        return formats.DASH
    instant = f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return format_html('<time datetime="{}" data-rel>{}</time>', instant, formats.moment(value))
