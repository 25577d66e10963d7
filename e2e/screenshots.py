"""The screenshots of every page for the README: two widths, two themes, one day."""

import itertools
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from e2e import browser as browsers
from e2e import installation as installations
from e2e.installation import ROOT, Installation

FOLDER = ROOT / "docs" / "screenshots"
PAGES = {
    "pulpit": "/",
    "waluty-eur": "/waluty/EUR/",
    "waluty-usd": "/waluty/USD/",
    "zloto": "/zloto/",
    "sygnaly": "/sygnaly/",
    "alerty": "/alerty/",
    "miner": "/miner/",
    "status": "/status/",
}
WIDTHS = {360: 740, 1280: 900}
THEMES = ("light", "dark")
LIMIT = 200_000
TALLEST = 1900


def shoot(browser: Browser, installation: Installation, name: str, path: str, width: int, theme: str) -> Path:
    settings = {"viewport": {"width": width, "height": WIDTHS[width]}, "color_scheme": theme}
    target = FOLDER / f"{name}-{width}-{theme}.png"
    with browsers.visitor(browser, installation.url, **settings) as visitor:  # type: ignore[arg-type]
        visitor.open(path)
        if visitor.page.locator("canvas").count():
            visitor.draws()
        if width < 640:
            stretch(visitor.page, width)
        visitor.page.screenshot(path=target)
    return target


def stretch(page: Page, width: int) -> None:
    """Enlarge the window to the whole page, so that its bottom bar is at the bottom; at most TALLEST pixels."""
    height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": width, "height": height})


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    shots = itertools.product(PAGES.items(), WIDTHS, THEMES)
    with (
        tempfile.TemporaryDirectory() as folder,
        installations.filled(Path(folder)) as installation,
        browsers.chromium() as browser,
    ):
        for (name, path), width, theme in shots:
            picture = shoot(browser, installation, name, path, width, theme)
            if picture.stat().st_size > LIMIT:
                raise SystemExit(f"{picture} is larger than {LIMIT} bytes")


if __name__ == "__main__":
    main()
