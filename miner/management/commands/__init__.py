"""Commands that fetch in the foreground and poll every few seconds."""
