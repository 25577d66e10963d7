"""Coins and markets: the scanner, the page of a coin, and the tile of the dashboard."""

from charon.pages.crypto.bitcoin import tile

__all__ = ["tile"]
