"""Commands that check what was decided."""
