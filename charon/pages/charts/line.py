"""The part in view as an SVG path, for those without scripts."""

from bisect import bisect_right

from charon.pages.charts.series import Series

WIDTH, HEIGHT = 640, 200
# The drawing is 640 wide: more points than twice that cannot be told apart.
MOST = 600


def path(series: Series) -> str:
    """The closes in a box of WIDTH by HEIGHT, interrupted where the series is."""
    rows = rows_of(series)
    if len(rows) < 2:
        return ""
    closes, starts = series.columns.closes, sorted(one.at for one in series.breaks)
    values = [closes[row] for row in rows]
    low, room = min(values), (max(values) - min(values)) or 1.0
    step, parts, before = WIDTH / (len(rows) - 1), [], -1
    for number, row in enumerate(rows):
        passed = bisect_right(starts, row)
        pen = "L" if passed == before else "M"
        parts.append(f"{pen}{step * number:.1f},{HEIGHT * (1 - (closes[row] - low) / room):.1f}")
        before = passed
    return " ".join(parts)


def rows_of(series: Series) -> list[int]:
    """Those that are kept and in view, the newest among them."""
    rows = [row for row in series.kept if series.view[0] <= row < series.view[1]]
    step = max(1, -(-len(rows) // MOST))
    return rows[::-1][::step][::-1]
