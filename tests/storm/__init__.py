"""Thousands of scripted moves through evaluation and delivery while both are killed: `python -m tests.storm`."""
