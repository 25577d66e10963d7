"""An installation that is hurt for minutes and must end equal to one that was not: `python -m tests.chaos`."""
