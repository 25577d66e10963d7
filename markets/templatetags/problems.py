"""The open problems on the front page of the admin."""

from django import template
from django.urls import NoReverseMatch, reverse

from markets import problems
from markets.views import Row

register = template.Library()


@register.simple_tag
def open_problems() -> list[Row]:
    """With their details, and where each is mended; the newest first."""
    return [
        {"row": row, "kind": problems.KINDS[row.kind], "href": href(problems.KINDS[row.kind])}
        for row in problems.current().filter(kind__in=problems.KINDS)
    ]


def href(kind: problems.Kind) -> str:
    """The list in the admin where it is mended; empty where there is none."""
    try:
        return reverse(f"admin:{kind.admin}_changelist") if kind.admin else ""
    except NoReverseMatch:
        return ""
