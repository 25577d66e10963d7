"""How words are sorted and looked for: `Intl.Collator` in scripts, the same here for links that work without them."""

import unicodedata

Key = tuple[tuple[float, ...], str]
# In Polish a letter with a mark is a letter of its own behind the bare one (PN-80/N-01223); q, v, x as in Latin.
POLISH = {letter: place for place, letter in enumerate("aąbcćdeęfghijklłmnńoópqrsśtuvwxyzźż")}
LATIN = {letter: place for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}


def key(text: str, language: str) -> Key:
    """Letters as the language orders them; spaces and other signs before all letters. The text itself parts equals."""
    alphabet = LATIN if language == "en" else POLISH
    return tuple(place(sign, alphabet) for sign in text.lower()), text


def place(sign: str, alphabet: dict[str, int]) -> float:
    """A letter of another alphabet stands with its bare letter: é with e."""
    found = alphabet.get(sign)
    return float(alphabet.get(plain(sign)[:1], -1) if found is None else found)


def plain(text: str) -> str:
    """Without case and marks, as people type: `złoty` is found by `zlo`. NFD takes the marks off every letter but ł."""
    bare = unicodedata.normalize("NFD", text.lower().replace("ł", "l"))
    return "".join(sign for sign in bare if not unicodedata.category(sign).startswith("M"))
