"""What the failure of one window, or of many rates, means for the run."""

from markets import messages
from markets.jobs import runs
from markets.messages import Message
from markets.models import Job
from miner.fetch.errors import FiguresRefused, ProviderError

# So many windows that fail one after the other show that the source does not answer at all.
PATIENCE_WITH_WINDOWS = 3
# Of what a run was offered: from this share of refused values on they are no single misprint and are told of; more than
# that share, and not only a few of them, is no success.
TOLD_SHARE, FAILED_SHARE, FEW = 0.05, 0.2, 10
REFUSED = "refused: "
NOT_ABOUT_A_WINDOW = {"no_key", "no_plan", "blocked", "budget", "environment"}


class EarlierFailure(ProviderError):
    """A part of the work failed before the job was continued by this task."""

    def __init__(self, reason: str, text: str, said: Message | None = None) -> None:
        """`said` is the message of the failure; None of one that an older release has remembered."""
        super().__init__(text)
        self.reason, self.said = reason, said


def remember(job: Job, error: ProviderError) -> None:
    """The first failure of a job that is continued by other tasks."""
    if "failed" not in job.details:
        _, message = runs.stored(messages.of_error(error))
        failed = {"reason": error.reason, "error": runs.text_of(error), "message": message}
        job.details = job.details | {"failed": failed}


def raise_earlier(job: Job) -> None:
    """Raises what had failed before this task took the job up."""
    if failed := job.details.get("failed"):
        raise EarlierFailure(failed["reason"], failed["error"], messages.decoded(failed.get("message")))


def go_on_after(job: Job, error: ProviderError, in_a_row: int) -> None:
    """Remembers what failed for the end of the job; raises it when the source does not answer at all."""
    if is_about_the_source(error) or in_a_row >= PATIENCE_WITH_WINDOWS:
        raise error
    remember(job, error)


def is_about_the_source(error: ProviderError) -> bool:
    """Whether any other window would fail in the same way: no connection, no key, or a wait that was asked for."""
    waits = getattr(error, "retry_after", None) is not None or getattr(error, "status", 0) == 429
    return waits or getattr(error, "nobody", False) or error.reason in NOT_ABOUT_A_WINDOW


def check_refused(accepted: int, refused: int, examples: list[Message]) -> None:
    """Raises FiguresRefused when nothing was accepted, or more than a fifth and ten were refused."""
    offered = accepted + refused
    if refused and (not accepted or (refused >= FEW and refused > FAILED_SHARE * offered)):
        if not examples:
            raise FiguresRefused(Message("refused_of", refused=refused, offered=offered))
        raise FiguresRefused(Message("refused_of_as", refused=refused, offered=offered, example=examples[0]))


def is_told(job: Job) -> bool:
    """Whether so much of what this run was offered was refused that the register of problems has it."""
    return bool(job.refused) and job.refused >= TOLD_SHARE * (accepted(job) + job.refused)


def accepted(job: Job) -> int:
    """Values that may in, also those that were stored before; where nobody counted them, the rows that were written."""
    return int(job.details.get("accepted", job.rows_written))


def refused_of(job: Job) -> list[Message]:
    """What the notes of a job say of what may not in; of one that was begun by an older release the texts."""
    beside = messages.beside(job.notes, job.note_messages)
    notes = [(text, messages.decoded(stored)) for text, stored in zip(job.notes, beside, strict=True)]
    return [
        Message.of(str(note.params["what"]) if note and "what" in note.params else text.removeprefix(REFUSED))
        for text, note in notes
        if text.startswith(REFUSED)
    ]
