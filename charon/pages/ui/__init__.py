"""What is followed, as the seed document of the telemetry board asked for it: overview, alerts, settings."""
