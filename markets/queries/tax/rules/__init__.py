"""The rules themselves, one file a rule, named by its id."""
