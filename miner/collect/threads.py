"""Threads for requests: what the caller's context says, such as the id in the log, holds in them too."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context


def pool(size: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(size, "mine", initializer=adopt, initargs=(copy_context(),))


def adopt(context: Context) -> None:
    for variable, value in context.items():
        variable.set(value)
