"""Everything that Redis is told: messages, keys that expire, and cached answers."""
