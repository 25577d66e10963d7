"""Access to Redis: messages, keys that expire, and cached answers, which also work without it."""
