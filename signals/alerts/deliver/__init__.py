"""From an event to a message at its receiver: rows first, sending afterwards, each attempt a row."""
