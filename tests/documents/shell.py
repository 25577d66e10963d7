"""The commands of a block of shell, as a shell would take them apart."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

VARIABLE = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Command:
    line: str  # the whole line, with what stands before and behind it
    variables: dict[str, str]
    words: list[str]  # without redirections


def lines(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each whole line with its words: what a backslash or an open quote carries on is one, and a here-document none."""
    begun, ending = "", ""
    for line in text.splitlines():
        if ending:
            ending = "" if line.strip() == ending else ending
            continue
        begun = f"{begun}\n{line}" if begun else line
        try:
            words = split(begun)
        except ValueError:  # a quote or a backslash at the end
            continue
        document = re.search(r"<<-?\s*['\"]?(\w+)", begun)
        ending = document[1] if document else ""
        if words:
            yield begun, words
        begun = ""
    assert not begun, f"this line does not end: {begun}"


def split(line: str) -> list[str]:
    if line.endswith("\\"):
        raise ValueError("goes on")
    whole = re.sub(r"(?<=\s)\d(?=[<>])", "", line.replace("\\\n", " "))  # which stream is redirected says nothing here
    lexer = shlex.shlex(whole, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    return list(lexer)


def commands(text: str) -> Iterator[Command]:
    for line, words in lines(text):
        part: list[str] = []
        for word in [*words, ";"]:
            if set(word) <= set("|&;()"):
                yield from command(line, part)
                part = []
            else:
                part.append(word)


def command(line: str, words: list[str]) -> Iterator[Command]:
    variables: dict[str, str] = {}
    rest = list(without_redirections(words))
    while rest and (found := VARIABLE.fullmatch(rest[0])):
        variables[found[1]] = found[2]
        rest.pop(0)
    if rest or variables:
        yield Command(line, variables, rest)


def without_redirections(words: list[str]) -> Iterator[str]:
    """A redirection is one word and the next: `> file`."""
    target = False
    for word in words:
        if set(word) <= set("<>&"):
            target = True
        elif target:
            target = False
        else:
            yield word
