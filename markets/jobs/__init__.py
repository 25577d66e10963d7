"""The log of the jobs: how work is recorded, and what no record may contain."""
