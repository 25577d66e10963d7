"""One run of each kind: what is missing, asking for it, storing it."""
