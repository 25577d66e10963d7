"""Where kept answers stand: so many bytes at most, of which no address takes more than its share."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

from charon.kept.answers import Kept

# Of one worker, packed bytes included.
LIMIT = 32_000_000
# Whoever asks one page two thousand different things drives out answers of that page alone.
SHARE = 1 / 8

Key = tuple[Hashable, ...]


@dataclass(slots=True)
class Shelf:
    """The answers of one path, the one that was not asked for longest first."""

    size: int = 0
    rows: OrderedDict[Key, Kept] = field(default_factory=OrderedDict)

    def drop(self, key: Key) -> int:
        gone = self.rows.pop(key).size if key in self.rows else 0
        self.size -= gone
        return gone


class Shelves:
    """On the event loop alone: no lock. The first part of a key is the path of its shelf."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit, self.size = limit, 0
        self.paths: OrderedDict[Hashable, Shelf] = OrderedDict()

    def get(self, key: Key) -> Kept | None:
        shelf = self.paths.get(key[0])
        if shelf is None or (kept := shelf.rows.get(key)) is None:
            return None
        shelf.rows.move_to_end(key)
        self.paths.move_to_end(key[0])
        return kept

    def put(self, key: Key, kept: Kept) -> None:
        shelf = self.paths.setdefault(key[0], Shelf())
        self.size -= shelf.drop(key)
        share = self.limit * SHARE
        if kept.size <= share:
            shelf.rows[key] = kept
            shelf.size += kept.size
            self.size += kept.size
            self.paths.move_to_end(key[0])
        while shelf.size > share:
            self.size -= shelf.drop(next(iter(shelf.rows)))
        while self.size > self.limit:
            self.drop_oldest()
        if not shelf.rows:
            self.paths.pop(key[0], None)

    def drop_oldest(self) -> None:
        """Of the path that was not asked for longest."""
        path, shelf = next(iter(self.paths.items()))
        self.size -= shelf.drop(next(iter(shelf.rows)))
        if not shelf.rows:
            del self.paths[path]
