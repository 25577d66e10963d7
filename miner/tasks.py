"""The tasks that the queue runs. A dotted name here stands in schedules: keep the names."""


def mine(source: str, tables: list[str] | None = None, trigger: str = "schedule", resume: int | None = None) -> str:
    """Mine one source (all its tables, or those named) for at most 40 s, then enqueue the continuation."""
    raise NotImplementedError
