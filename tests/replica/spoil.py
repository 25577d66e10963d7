"""Answers that read well and are wrong in places: a record that stands twice, figures that are missing."""

import re
from json import JSONDecoder

FIGURE = re.compile(rb'(?<=[:,\[])(?:-?\d+\.\d+|"-?\d+\.\d+")(?=[,}\]])')
EVERY = 7  # a prime: the figures of a table are never hit in the same place twice in a row


def doubled(body: bytes) -> bytes:
    """The last element of the outermost list once more, in its own bytes; any other body stays."""
    if not body.startswith(b"["):
        return body
    text = body.decode()
    begin = last_element(text)
    return (text[:-1] + "," + text[begin:]).encode() if begin else body


def last_element(text: str) -> int:
    """Where the last element of a JSON list without white space begins; 0 when the list is empty."""
    read, place, begin = JSONDecoder().raw_decode, 1, 0
    while text[place] != "]":
        begin = place
        _, place = read(text, place)
        place += text[place] == ","
    return begin


def nulled(body: bytes) -> bytes:
    """Every seventh figure is `null`."""
    seen = 0

    def spoil(found: re.Match[bytes]) -> bytes:
        nonlocal seen
        seen += 1
        return b"null" if seen % EVERY == 0 else found[0]

    return FIGURE.sub(spoil, body)
