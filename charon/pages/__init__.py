"""Pages that show two packages at once, and how they are drawn."""
