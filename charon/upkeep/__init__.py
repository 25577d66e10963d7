"""What an operator does for an installation: look it over, back it up, restore it, begin anew."""


class Refused(Exception):
    """What was asked for was not done; the text says why and what helps. Everything is as it was before."""
