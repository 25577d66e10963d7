"""A task carries the id of the request, or of the task, that enqueued it; one that nothing asked for has its own.

So one word finds a request in the log together with its tasks, the tasks that they enqueued, and their calls to
providers. Signals of django-q2 bring it there: no caller has to think of it, and no table has a column for it.
"""

from typing import Any

from django.dispatch import receiver
from django_q.signals import post_execute, pre_enqueue, pre_execute

from charon import request_ids

# In the package of the task; django-q2 hands on the keys that it does not know.
KEY = "request_id"


@receiver(pre_enqueue)
def carry(task: dict[str, Any], **_: object) -> None:
    if number := request_ids.current.get():
        task[KEY] = number


@receiver([pre_execute, post_execute])
def take_up(task: dict[str, Any], **_: object) -> None:
    """Before a worker runs the task, and before the monitor, another process, logs that it failed.

    The id holds until the next task: what these processes log in between belongs to the last one.
    """
    request_ids.current.set(task.get(KEY) or task["id"])
