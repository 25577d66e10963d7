"""How an instrument is found, made and named."""
