"""The chart of one instrument: its data, its words, and what it shows without scripts."""

from charon.pages.charts.row import candle_row, chart_row
from charon.pages.charts.words import histogram_text

__all__ = ["candle_row", "chart_row", "histogram_text"]
