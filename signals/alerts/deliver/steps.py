"""What a delivery tells of its event, and what has no event."""

from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

# Of the keys: the same event, channel and step have the same key in every installation and every try.
NAMESPACE = uuid5(NAMESPACE_URL, "charon:alerts")
FIRED, RESOLVED = "fired", "resolved"
# When nobody has acknowledged so long after the alert was told.
ESCALATIONS = {"escalated": timedelta(minutes=15), "escalated_again": timedelta(minutes=60)}
TEST, CANARY = "test", "canary"
MANUAL = (TEST, CANARY)
