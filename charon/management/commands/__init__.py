"""Commands that start, prepare, show and end an installation."""
