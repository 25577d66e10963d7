"""The template tag for JavaScript libraries: from a CDN with a hash, else from the local copy."""

import json
from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@cache
def listed() -> dict[str, dict[str, Any]]:
    """The URL and hash of each file under static/vendor, from vendor.json."""
    path = settings.BASE_DIR / "static" / "vendor" / "vendor.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def files() -> list[str]:
    """The URLs that pages load from the CDN."""
    return [facts["cdn"] for facts in listed().values() if "cdn" in facts]


@register.simple_tag
def libraries(*names: str) -> SafeString:
    """The script tag of the loader, which fires `vendor:ready` when all libraries are loaded, in this order."""
    orders = json.dumps([order(name) for name in names])
    return format_html('<script defer src="{}" data-libraries="{}"></script>', static("loader.js"), orders)


def order(name: str) -> dict[str, str]:
    facts, local = listed()[name], {"local": static(f"vendor/{name}")}
    if not settings.CDN_ENABLED:
        return local
    return local | {"cdn": facts["cdn"], "integrity": facts["cdn_integrity"]}
