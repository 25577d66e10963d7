"""Chromium, and a visitor that records console errors and foreign requests of a page."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Route, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
CDN = "cdn.jsdelivr.net"
VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
LINE_LEFT_OUT = b"\n//# sourceMappingURL=chart.umd.min.js.map\n"

Answer = Callable[[Route], None]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        sys.exit(f"There is no Chromium at {CHROMIUM}: set CHROMIUM to its path.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


def out_of_reach(route: Route) -> None:
    route.abort("internetdisconnected")


def silent(route: Route) -> None:
    """The CDN never responds."""


def true(route: Route) -> None:
    """The file as the CDN serves it: our copy, with the source map line that the one of Chart.js lacks."""
    if "chart-financial" in route.request.url:
        serve(route, (VENDOR / "chart-financial-0.2.1.min.js").read_bytes())
        return
    copy = (VENDOR / "chart-4.6.1.umd.min.js").read_bytes().removesuffix(b"\n")
    serve(route, copy + LINE_LEFT_OUT)


def tampered(route: Route) -> None:
    serve(route, b"window.Chart = class { constructor() { throw new Error('not the release') } };")


def serve(route: Route, body: bytes) -> None:
    headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "text/javascript"}
    route.fulfill(status=200, headers=headers, body=body)


class Visitor:
    """A page with its console messages, errors and requested URLs; the test chooses the CDN's response."""

    def __init__(self, context: BrowserContext, url: str, cdn: Answer) -> None:
        self.context, self.url = context, url
        self.complaints: list[str] = []
        self.asked: list[str] = []
        context.route(f"https://{CDN}/**", cdn)
        self.page: Page = context.new_page()
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self.note)

    def hear(self, message: ConsoleMessage) -> None:
        """Record a warning or an error, unless it is the browser's own message about the CDN."""
        if message.type in {"error", "warning"} and CDN not in message.location.get("url", "") + message.text:
            self.complaints.append(message.text)

    def note(self, request: Request) -> None:
        self.asked.append(request.url)

    @property
    def foreign(self) -> set[str]:
        """Requested hosts other than the installation and the CDN."""
        hosts = {urlsplit(url).hostname or "" for url in self.asked if not url.startswith("data:")}
        return hosts - {"127.0.0.1", CDN}

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)

    def draws(self, canvas: str = "wykres-kursu") -> bool:
        """Whether Chart.js has drawn a chart on this canvas."""
        self.page.wait_for_function("id => window.Chart?.getChart(id)", arg=canvas, timeout=10_000)
        painted = "id => document.getElementById(id).toDataURL().length"
        return int(self.page.evaluate(painted, canvas)) > 3000


@contextlib.contextmanager
def visitor(browser: Browser, url: str, cdn: Answer = out_of_reach, **settings: object) -> Iterator[Visitor]:
    context = browser.new_context(locale="pl-PL", timezone_id="Europe/Warsaw", **settings)
    yield Visitor(context, url, cdn)
    context.close()
