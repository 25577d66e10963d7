"""What was answered to an Idempotency-Key: begun before the work, finished with the answer, so that none is done twice.

A process that dies between the two leaves a row without an answer. After LEASE the next request with that key begins
anew: then the work may be done a second time, and never is it lost.
"""

from datetime import timedelta

from django.db import IntegrityError, transaction

from markets import clock
from markets.models import IdempotentAnswer

KEPT = timedelta(days=1)
# No request of the API works for so long: the server ends it before (charon.serving).
LEASE = timedelta(minutes=2)


def begin(caller: str, key: str, request: str) -> tuple[IdempotentAnswer, bool]:
    """The row of this key, and whether the caller is to do the work; otherwise the row says what was answered."""
    forget_old(caller, key)
    row = IdempotentAnswer(caller=caller, key=key, request=request, begun_at=clock.now())
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        there = IdempotentAnswer.objects.filter(caller=caller, key=key).first()
        return (there, False) if there else begin(caller, key, request)  # it was given up just now
    return row, True


def forget_old(caller: str, key: str) -> None:
    """A key of yesterday, and one whose work was given up."""
    now, rows = clock.now(), IdempotentAnswer.objects.filter(caller=caller, key=key)
    rows.filter(begun_at__lt=now - KEPT).delete()
    rows.filter(begun_at__lt=now - LEASE, status=None).delete()


def finish(row: IdempotentAnswer, status: int, body: str, location: str) -> None:
    IdempotentAnswer.objects.filter(pk=row.pk).update(status=status, body=body, location=location)


def give_up(row: IdempotentAnswer) -> None:
    """Nothing was done: the next request with this key is the first one again."""
    IdempotentAnswer.objects.filter(pk=row.pk).delete()
