"""The miner fetches what providers publish and hands it to the store."""
