"""In this language."""
