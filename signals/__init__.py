"""Signals decides BUY, HOLD or SELL on closed bars and keeps every decision."""
