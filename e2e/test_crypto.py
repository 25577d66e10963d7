"""Coins in a real browser: without prices yet, sorted by links, followed and left by an operator."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from e2e.browser import Visitor
from e2e.installation import Installation

Visit = Callable[..., Visitor]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}


@pytest.mark.parametrize("path", ["/krypto/", "/en/krypto/", "/krypto/BTCUSD/", "/krypto/XAUUSD/", "/ui", "/en/ui"])
@pytest.mark.parametrize("settings", [PHONE, {"color_scheme": "dark"}], ids=["phone", "dark"])
def test_a_page_of_coins_fits_its_window(
    installation: Installation, visit: Visit, path: str, settings: dict[str, object]
) -> None:
    visitor = visit(installation, **settings)
    visitor.open(path)
    assert visitor.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_order_of_the_scanner_stands_in_the_address_and_back_leads_back(
    installation: Installation, visit: Visit
) -> None:
    visitor = visit(installation)
    page = visitor.page
    visitor.open("/krypto/")
    page.get_by_role("link", name="Para: sortuj rosnąco").click()
    expect(page).to_have_url(f"{installation.url.rstrip('/')}/krypto/?sort=para")
    page.get_by_role("link", name="Para: sortuj malejąco").click()
    expect(page.get_by_role("columnheader", name="Para: ")).to_have_attribute("aria-sort", "descending")
    page.get_by_label("Interwał wskaźników").get_by_role("link", name="4").click()
    expect(page).to_have_url(f"{installation.url.rstrip('/')}/krypto/?interwal=4h&sort=-para")
    page.go_back()
    expect(page.get_by_label("Interwał wskaźników").locator("[aria-current]")).to_have_text("1\u00a0h")


def test_without_scripts_everything_is_a_link(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation, java_script_enabled=False)
    page = visitor.page
    visitor.open("/krypto/?sort=-para")
    first = page.locator("table.scan tbody tr").first
    expect(first.get_by_role("link").first).to_have_text("ZEC/USDT")
    first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ZECUSDT · Zcash")
    page.get_by_label("Okno", exact=True).get_by_role("link", name="7").click()
    expect(page.get_by_label("Okno", exact=True).locator("[aria-current]")).to_have_text("7\u00a0dni")
    page.get_by_role("link", name="Ustaw alert").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Alerty")


def test_what_is_followed_opens_its_page(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    visitor.open("/en/ui")
    visitor.page.get_by_role("link", name="Open BTCUSD", exact=True).click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("BTCUSD · Bitcoin")


def test_settings_ask_for_a_login_first(installation: Installation, visit: Visit) -> None:
    visitor = visit(installation)
    visitor.open("/ui/settings")
    expect(visitor.page.locator("#id_username")).to_be_visible()
