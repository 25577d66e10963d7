"""The formats as template filters: `{% load polish %}`."""

from django import template

from markets import formats

register = template.Library()

for formatted in (
    formats.day,
    formats.short_day,
    formats.moment,
    formats.near,
    formats.at,
    formats.relative,
    formats.plural,
):
    register.filter(formatted)
