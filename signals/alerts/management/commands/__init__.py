"""Commands that try the alerts."""
