"""What a listener of the event stream asks for: `?kinds=prices,rates&codes=EUR,BTC`."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from markets.redis.live_events import KINDS, LiveEvent

CODE = re.compile(r"[A-Z0-9]{1,20}")
PARAMETERS = ("kinds", "codes")
MAX_CODES = 100
# The longest name of a currency that something is quoted in: USDT, USDC.
QUOTES = range(3, 5)
# A shorter word is the beginning of too many codes.
MIN_BASE = 3
# Of a name that nobody knows, in the answer.
SHOWN = 100


@dataclass(frozen=True)
class Question:
    """Empty sets mean everything."""

    kinds: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()

    def wants(self, event: LiveEvent) -> bool:
        if self.kinds and event.kind not in self.kinds:
            return False
        return not self.codes or event.code in self.codes or any(is_base(code, event.code) for code in self.codes)


def is_base(word: str, code: str) -> bool:
    """Whether the code is a pair that begins with this word: BTC is the base of BTCUSD."""
    return len(word) >= MIN_BASE and code.startswith(word) and len(code) - len(word) in QUOTES


def question_of(query: bytes) -> tuple[Question, list[dict[str, str]]]:
    """The question, and the faults as those of the API: the field of each and what is wrong."""
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    names = [name for name, _ in given]
    faults = [fault(name[:SHOWN], "unknown parameter") for name in dict.fromkeys(names) if name not in PARAMETERS]
    faults += [fault(name, "comes twice") for name in PARAMETERS if names.count(name) > 1]
    words = {name: frozenset(word.strip() for word in text.split(",") if word.strip()) for name, text in given}
    kinds = words.get("kinds", frozenset())
    codes = frozenset(word.upper() for word in words.get("codes", frozenset()))
    if not kinds <= KINDS:
        faults.append(fault("kinds", f"must be of {', '.join(sorted(KINDS))}"))
    if len(codes) > MAX_CODES or not all(map(CODE.fullmatch, codes)):
        faults.append(fault("codes", f"must be at most {MAX_CODES} codes of letters and digits"))
    return Question(kinds, codes), faults


def fault(field: str, message: str) -> dict[str, str]:
    return {"field": field, "message": message}
