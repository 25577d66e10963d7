"""Pictures of every page of the demo: two widths, two themes. `make screenshots` writes those that the README and
docs/ux-review.md show into docs/screenshots and all others into docs/screenshots/all, which git leaves out.
"""

import itertools
import tempfile
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page

from e2e import browser as browsers
from e2e import demo as demos
from e2e.demo import Demo
from e2e.installation import ROOT
from tests import processes

FOLDER = ROOT / "docs" / "screenshots"
ALL = FOLDER / "all"
# Names of the pages and what they are asked, in Polish.
PAGES = {
    "pulpit": "/",
    "waluty": "/waluty/",
    "waluty-eur": "/waluty/EUR/",
    "historia": "/waluty/JPY/?rok=2025&miesiac=3#historia",
    "zloto": "/zloto/",
    "tabela-a": "/tabele/A/2025-03-14/",
    "tabela-c": "/tabele/C/2025-03-14/",
    "krypto": "/krypto/",
    "btcusdt": "/krypto/BTCUSDT/",
    "xauusd": "/krypto/XAUUSD/",
    "ui": "/ui",
    "kurs-podatkowy": "/kurs-podatkowy/?waluta=USD&data=2025-03-17&regula=pit&kwota=1500",
    "lista": "/kurs-podatkowy/lista/",
    "faktura": "/kurs-podatkowy/faktura/?wystawiono=2025-03-17&waluta=USD&netto=1000&vat=23",
    "przelicznik": "/przelicznik/?kwota=100&z=USD&na=EUR&data=2025-03-17",
    "sygnaly": "/sygnaly/",
    "sygnal": "/sygnaly/{signal}/",
    "alerty": "/alerty/",
    "dane": "/dane/",
    "zmiany": "/dane/zmiany/",
    "porownanie": "/dane/porownanie/",
    "miner": "/miner/",
    "status": "/status/",
    "o-danych": "/o-danych/",
    "api": "/api/",
    "nie-ma": "/waluty/XQX/",
    "en-pulpit": "/en/",
    "en-kurs-podatkowy": "/en/kurs-podatkowy/?waluta=USD&data=2025-03-17&regula=pit&kwota=1500",
}
ADMIN = {"admin": "/admin/", "admin-zrodla": "/admin/markets/source/"}
# Shown by the README and the review.
SHOWN = {
    *("pulpit-1280-light", "pulpit-1280-dark", "pulpit-360-light", "waluty-eur-1280-light", "waluty-eur-360-dark"),
    *("btcusdt-1280-dark", "btcusdt-360-light", "kurs-podatkowy-1280-light", "kurs-podatkowy-360-light"),
    *("krypto-1280-light", "sygnal-1280-light", "status-1280-light", "admin-1280-light", "en-pulpit-1280-light"),
}
WIDTHS = {360: 740, 1280: 900}
THEMES = ("light", "dark")
# Of a picture that is kept in the repository.
LIMIT = 200_000
TALLEST = 1900


def newest_signal(demo: Demo) -> str:
    """The number of the decision that stands first in the list."""
    return demos.found(demo.url, "/sygnaly/", r"/sygnaly/(\d+)/")


def shoot(browser: Browser, demo: Demo, name: str, path: str, width: int, theme: str) -> Path:
    settings = {"viewport": {"width": width, "height": WIDTHS[width]}, "color_scheme": theme}
    full = f"{name}-{width}-{theme}"
    target = (FOLDER if full in SHOWN else ALL) / f"{full}.png"
    with browsers.visitor(browser, demo.url, reduced_motion="reduce", **settings) as visitor:  # type: ignore[arg-type]
        if name in ADMIN:
            demo.sign_in(visitor, "", path)
        else:
            visitor.open(path)
        if visitor.page.locator("#wykres-kursu").count():
            visitor.draws()
        stretch(visitor.page, width)
        visitor.page.screenshot(path=target)
    return target


def stretch(page: Page, width: int) -> None:
    """On a phone the window becomes as tall as the page, so that its bottom bar is at the bottom; at most TALLEST."""
    if width < 640 and "#" not in page.url:
        height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
        page.set_viewport_size({"width": width, "height": height})


def main() -> None:
    ALL.mkdir(parents=True, exist_ok=True)
    (ALL / ".gitignore").write_text("*\n", encoding="utf-8")
    with (
        tempfile.TemporaryDirectory() as folder,
        demos.running(Path(folder) / "data") as demo,
        browsers.chromium() as b,
    ):
        # Until the history is read there are no signals on the pages of currencies.
        processes.until(lambda: "czeka na historię" not in httpx.get(f"{demo.url}/waluty/EUR/").text, demos.SECONDS)
        signal = newest_signal(demo)
        for (name, path), width, theme in itertools.product((PAGES | ADMIN).items(), WIDTHS, THEMES):
            picture = shoot(b, demo, name, path.format(signal=signal), width, theme)
            if picture.parent == FOLDER and picture.stat().st_size > LIMIT:
                raise SystemExit(f"{picture} is larger than {LIMIT} bytes")


if __name__ == "__main__":
    main()
