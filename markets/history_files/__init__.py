"""Closed years as files: what stands in them, where they lie, and how they go before an answer changes."""
