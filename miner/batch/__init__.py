"""The priority batch: critical instruments first, then a queue, within the call budget."""
