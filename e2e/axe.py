"""axe-core in a page: what WCAG 2.2 A and AA forbid, as lines a person can act on."""

from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

SCRIPT = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# At most so many nodes of one rule are named.
NAMED = 3
# Rows and entries after these repeat what stands before them; the contrast of 150 rows takes axe half a minute.
ROWS = """(most) => { for (const list of document.querySelectorAll("tbody, main ol, main ul, datalist, select"))
  for (const one of [...list.children].slice(most)) if (!one.querySelector(":focus")) one.remove(); }"""
MOST = 8
# The admin of Django fades its colours in 0.15 s when the theme turns, also for who wants no motion.
STILL = """() => Promise.allSettled(document.getAnimations()
  .filter((one) => Number.isFinite(one.effect.getComputedTiming().endTime)).map((one) => one.finished))"""
RUN = """(options) => axe.run(document, options).then(({violations}) => violations.map(({id, nodes}) =>
  [id, nodes.map(({target, failureSummary}) => [target.join(" "), failureSummary.split("\\n")[1]?.trim()])]))"""


def violations(page: Page, *rules: str) -> list[str]:
    """What axe finds with all rules of WCAG A and AA, or with these alone."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    options["runOnly"] = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": TAGS}
    # Evaluated by the driver: the page's own policy forbids what it did not load itself.
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(SCRIPT)
        page.evaluate(ROWS, MOST)
    page.evaluate(STILL)
    return [said(rule, nodes) for rule, nodes in page.evaluate(RUN, options)]


def said(rule: str, nodes: list[list[str]]) -> str:
    named = "; ".join(f"{target} ({why})" for target, why in nodes[:NAMED])
    return f"{rule} × {len(nodes)}: {named}"
