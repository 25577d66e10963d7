"""Filters and tags for templates: numbers, days and moments; open problems."""
