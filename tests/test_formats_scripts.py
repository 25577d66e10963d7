"""Numbers, days and moments are the same from Python and from static/format.js, in both languages."""

import json
import shutil
import subprocess
from datetime import date, datetime
from decimal import Decimal

import pytest

from markets import formats
from tests.texts import ROOT

NODE = shutil.which("node")
NUMBERS = [
    *("0", "0.00", "-0.00", "9999", "10000", "-10000.5", "1234567.00000001", "0.00022407", "999.5", "-1000", "-0.0112"),
    *(f"{sign}{10**digits - 7}.{digits:04}" for digits in range(1, 16) for sign in ("", "-")),
]
# Both changes of the clock, midnight in Warsaw and the end of a year there.
MOMENTS = [
    *("2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
    *("2025-12-31T22:59:00Z", "2025-12-31T23:00:00Z", *(f"2026-{month:02}-09T08:05:00Z" for month in range(1, 13))),
]
ASKED = """globalThis.window = {}; globalThis.document = { documentElement: { lang: %s } };
%s
const { number, percent, moment, day } = window.charon.format, numbers = %s, moments = %s;
console.log(JSON.stringify([numbers.map(number), numbers.map((one) => percent(Number(one))),
  moments.map(moment), moments.map(day)]));"""


@pytest.mark.slow
@pytest.mark.skipif(NODE is None, reason="needs node")
def test_scripts_write_as_python_writes() -> None:
    script = (ROOT / "static" / "format.js").read_text(encoding="utf-8")
    for lang in ("pl", "en"):
        source = ASKED % (json.dumps(lang), script, json.dumps(NUMBERS), json.dumps(MOMENTS))
        run = subprocess.run([str(NODE), "-e", source], capture_output=True, text=True, check=True)
        assert json.loads(run.stdout) == [
            [formats.number(Decimal(one), lang) for one in NUMBERS],
            [formats.percent(Decimal(float(one)), lang) for one in NUMBERS],
            [formats.moment(datetime.fromisoformat(one), lang) for one in MOMENTS],
            [formats.day(date.fromisoformat(one[:10]), lang) for one in MOMENTS],
        ], lang
