"""What the decisions of a rule were followed by, and whether that can be told from chance: docs/method.md."""
