"""Filters for templates: numbers and days in Polish."""
