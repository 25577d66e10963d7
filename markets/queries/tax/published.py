"""How a rule says which publication it means: before(NBP, day), up_to(ECB, day), first(NBP_A, day)."""

import datetime as dt

from markets.queries.tax.rule import Choice, Cross, Difference, Given, Published, Question, Relation, Sequence, Unless

NBP, NBP_A, ECB = Sequence.NBP, Sequence.NBP_A, Sequence.ECB


def before(sequence: Sequence, day: dt.date, code: str = "") -> Published:
    """The newest publication strictly before a day."""
    return Published(sequence, Relation.BEFORE, day, code)


def up_to(sequence: Sequence, day: dt.date, code: str = "") -> Published:
    """The newest publication of a day or before it."""
    return Published(sequence, Relation.UP_TO, day, code)


def first(sequence: Sequence, day: dt.date, code: str = "") -> Published:
    """The oldest publication of a day or after it."""
    return Published(sequence, Relation.FIRST, day, code)


def chosen(asked: Question) -> Sequence:
    """Of the two that the law offers, the one that the taxpayer has chosen: the NBP unless it is said."""
    return ECB if asked.choice == "ecb" else NBP


def sequences(choice: Choice) -> set[Sequence]:
    """Whose publications a choice speaks of; none where the caller gives the rate."""
    match choice:
        case Published():
            return {choice.sequence}
        case Given():
            return set()
        case Cross():
            return sequences(choice.reference)
        case Difference():
            return sequences(choice.earlier) | sequences(choice.later)
        case Unless():
            return sequences(choice.usual) | sequences(choice.check)


def banks(choice: Choice) -> set[str]:
    """The same as a taxpayer names them: nbp, ecb."""
    return {sequence.partition(".")[0] for sequence in sequences(choice)}
