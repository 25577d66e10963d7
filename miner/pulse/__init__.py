"""The process for everything faster than the task queue: polls, and the subscription to Redis."""
