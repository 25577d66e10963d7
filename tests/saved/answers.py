"""An answer as it is saved: its status, its headers and every byte of its body, in lines that a diff can show."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from charon import page_urls  # noqa: F401  the lists of the admin are loaded with the addresses
from tests.saved.gets import HEADERS, Get, gets

FOLDER = Path(__file__).parent / "answers"
# Errors and the log carry the id of their request; one that the client gives is kept.
REQUEST_ID = "saved-answers"
# The request's own id, what the system's clock says (the admin never wants to be kept), what follows from the body,
# and what Django's SecurityMiddleware sends with everything.
LEFT_OUT = {
    "X-Request-ID",
    "Expires",
    "Content-Length",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Referrer-Policy",
    "Cross-Origin-Opener-Policy",
}
# The counts of /metrics belong to the process; kept is which of ours there are.
METRICS = re.compile(r"^# .* charon_.*\n", re.MULTILINE)
# The frame of the admin is Django's, with a CSRF token: kept are the head of the list and its first rows.
CHANGELIST = re.compile(r'<table id="result_list">.*?</table>', re.DOTALL)
ADMIN_ROWS = 4
# The queue draws a name and an id for each task.
DRAWN = re.compile(r'(?<=<td class="field-name">)[a-z]+(?:-[a-z]+){3}(?=</td>)|(?<=field-task_id">)[0-9a-f]{32}')
# The documentation draws a nonce for each answer, a form a token.
NONCE = re.compile(r"(?<=nonce[-=])(\"?)[\w-]{22}|(?<=csrfmiddlewaretoken\" value=)(\"?)\w{64}")
# Compact JSON has no line of its own: each key and item begins one. Without these breaks it is the body again.
BREAKS = re.compile(r'(?<=[,\[{])( ?)(?=["{\[])')


def addresses() -> Iterator[Get]:
    """What gets.py names, and the list of every model that the admin shows."""
    yield from gets()
    for model in sorted(admin.site._registry, key=lambda model: model._meta.label):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        yield Get("full", reverse(name), "staff")


class Askers:
    """Somebody without a session, and an operator with one; each loads the middleware once, at some 50 ms."""

    def __init__(self) -> None:
        self.public = Client(headers={"X-Request-ID": REQUEST_ID})
        self.staff = Client(headers={"X-Request-ID": REQUEST_ID})

    def ask(self, get: Get) -> Any:
        settings.ENABLE_METRICS_ENDPOINT = get.who == "metrics"
        if get.who == "staff":
            self.staff.force_login(User.objects.get(username="operator"))
            return self.staff.get(get.address)
        headers = HEADERS[get.who]
        if get.who == "again":
            headers = {"If-None-Match": self.public.get(get.address).headers["ETag"]}
        return self.public.get(get.address, headers=headers)


def answer(get: Get, askers: Askers) -> str:
    response = askers.ask(get)
    head = [f"GET {get.address}", *(f"{name}: {value}" for name, value in HEADERS[get.who].items())]
    kept = {name: value for name, value in response.headers.items() if name not in LEFT_OUT}
    lines = [*head, "", str(response.status_code), *(f"{name}: {kept[name]}" for name in sorted(kept)), ""]
    return NONCE.sub(r"\1\2(drawn)", "\n".join(lines) + "\n" + body(get, response))


def body(get: Get, response: Any) -> str:
    content = gzip.decompress(response.content) if response.has_header("Content-Encoding") else response.content
    text = str(content.decode())
    if get.who == "metrics":
        return "".join(METRICS.findall(text))
    if get.address.startswith("/admin/"):
        return rows(text)
    if response.headers.get("Content-Type", "").startswith("application/json") and "\n" not in text:
        return BREAKS.sub("\n\\1", text)
    return text


def rows(page: str) -> str:
    found = CHANGELIST.search(page)
    kept = "</tr>".join(found[0].split("</tr>")[:ADMIN_ROWS]) if found else ""
    return DRAWN.sub("(drawn)", kept)
