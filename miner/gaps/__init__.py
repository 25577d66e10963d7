"""Gaps over the API: what is missing and why, and asking for it again now."""
