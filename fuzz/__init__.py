"""Fuzzing of the API: schemathesis against an installation of its own."""
