"""The answer to a question of tax: which published rate the rule means, and what proves it."""

from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext

from markets import clock, events
from markets.errors import QuestionError
from markets.licence import Audience
from markets.queries.tax import asked as questions
from markets.queries.tax import citation, refusals
from markets.queries.tax.asked import Asked
from markets.queries.tax.figures import DIGITS, Figure, Finder, NoRate, compared, wants_of
from markets.queries.tax.reading import Reading, read
from markets.queries.tax.rule import Choice, Cross, Difference, Given, Question, Unless
from markets.queries.tax.sequences import ARCHIVE, NBP, Want
from markets.queries.tax.skipped import Judged
from markets.queries.tax.told import Answer, converted, plain, put_together

# An actual rate that is farther from the NBP's may be questioned (PIT 24c(5), CIT 15a(5)).
USUAL = Decimal("0.05")
OFF = "actual_rate_over_5_percent_off"

Found = dict[Want, Figure | QuestionError]


def answer(asked: Question, audience: Audience = Audience.API) -> Answer:
    """One answer, ready for JSON. Raises QuestionError: the refusals of `faults`, unknown_code, not_public."""
    (found,) = answer_all([asked], audience)
    if isinstance(found, QuestionError):
        raise found
    return found


def answer_all(asked: Sequence[Question], audience: Audience = Audience.API) -> list[Answer | QuestionError]:
    """The answers in the order of the questions, a refusal in its place; as many statements as for one question: the
    codes, the days of the tables, the figures. Only refusals ask more, at most so many for all of them together.
    """
    ready = made_ready(asked)
    wants = list(dict.fromkeys(want for one in ready if isinstance(one, Asked) for want in all_wants(one)))
    found = find(wants, audience)
    answers = [answered(one, found, audience) if isinstance(one, Asked) else one for one in ready]
    ask_for_official(found)
    return answers


def made_ready(asked: Sequence[Question]) -> list[Asked | QuestionError]:
    known = questions.known_names(asked)
    ready: list[Asked | QuestionError] = []
    for question in asked:
        try:
            ready.append(questions.make_ready(question, known))
        except QuestionError as error:
            ready.append(error)
    return ready


def all_wants(one: Asked) -> Iterator[Want]:
    code = one.question.code
    yield from wants_of(one.choice, code, one.known)
    yield from (want for _, want in compared(one.choice, code, one.known))


def find(wants: Sequence[Want], audience: Audience) -> Found:
    """The figure of each want, or why there is none."""
    reading, now = read(wants), clock.now()
    found, unanswered = Found(), []
    for want in wants:
        finder = Finder(reading, audience, want.known or now)
        try:
            found[want] = finder.published(want)
        except NoRate:
            unanswered.append(want)
        except QuestionError as error:
            found[want] = error
    return found | refusals.explain(unanswered, Finder(reading, audience, now)) if unanswered else found


def answered(one: Asked, found: Found, audience: Audience) -> Answer | QuestionError:
    finder = Finder(Reading(), audience, one.known or clock.now())
    try:
        with localcontext(prec=DIGITS):
            if isinstance(one.choice, Difference):
                return difference(one, one.choice, found, finder)
            figure = chosen(one.choice, one, found, finder)
            return put_together(one, figure, figure.judged, converted(one, figure), list(figure.parts))
    except QuestionError as error:
        return error


def chosen(choice: Choice, one: Asked, found: Found, finder: Finder) -> Figure:
    """Raises the refusal of a rate that it needs."""
    code = one.question.code
    if isinstance(choice, Given):
        return finder.given(code, choice)
    if isinstance(choice, Unless):
        usual, check = (chosen(rate, one, found, finder) for rate in (choice.usual, choice.check))
        return check if abs(check.rate - usual.rate) * 100 > choice.percent * usual.rate else usual
    if isinstance(choice, Cross):
        reference = chosen(choice.reference, one, found, finder)
        other = finder.given(code, Given(choice.rate), quote=reference.code)
        return Figure(code, reference.rate * choice.rate, reference.judged, reference.row, parts=(reference, other))
    figure = found[wants_of(choice, code, one.known)[0]]
    if isinstance(figure, QuestionError):
        raise figure
    return figure


def difference(one: Asked, choice: Difference, found: Found, finder: Finder) -> Answer:
    """Each leg is rounded as an event of its own."""
    earlier, later = (chosen(leg, one, found, finder) for leg in (choice.earlier, choice.later))
    before, after = converted(one, earlier), converted(one, later)
    judged = both(earlier.judged, later.judged, actual_rate_warnings(one, found))
    result = None if before is None or after is None else after - before
    answer = put_together(one, later, judged, result, [])
    legs = [("earlier", earlier, before), ("later", later, after)]
    answer["legs"] = [citation.leg(figure, role=role, amount_pln=plain(pln)) for role, figure, pln in legs]
    answer["citation"] = "; ".join(citation.cited(figure) for figure in (earlier, later))
    return answer


def actual_rate_warnings(one: Asked, found: Found) -> list[str]:
    for given, want in compared(one.choice, one.question.code, one.known):
        figure = found[want]
        if isinstance(figure, Figure) and abs(given.rate - figure.rate) > USUAL * figure.rate:
            return [OFF]
    return []


def both(one: Judged, other: Judged, warnings: list[str]) -> Judged:
    return Judged(
        other.skipped,
        why_not_final=other.why_not_final or one.why_not_final,
        is_ambiguous=one.is_ambiguous or other.is_ambiguous,
        warnings=list(dict.fromkeys([*one.warnings, *other.warnings, *warnings])),
    )


def ask_for_official(found: Found) -> None:
    """What only the archive has is wanted from the NBP: with its number, and with a proof. What it alone had at a
    moment of the past may long be here.
    """
    rows = [figure.row for want, figure in found.items() if isinstance(figure, Figure) and want.known is None]
    places = sorted({(row.table, row.day) for row in rows if row is not None and row.source == ARCHIVE})
    if places:
        events.publications_wanted.send(sender=Question, source=NBP, places=places)
