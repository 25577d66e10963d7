"""Alerts: rules that people make, the machine that decides when one fires, and the events that it leaves."""
