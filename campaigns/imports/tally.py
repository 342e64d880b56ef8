"""What an import came to so far: new and changed rows, people by segment, repairs, rows taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Self

from campaigns.imports.planning import Chunk


class Tally:
    """Counts that go on where an earlier try of the same import ended."""

    def __init__(self, counts: Mapping[str, Any]) -> None:
        self.new, self.changed = Counter(counts.get("new", {})), Counter(counts.get("changed", {}))
        self.segments, self.repairs = Counter(counts.get("segments", {})), Counter(counts.get("repairs", {}))
        self.imported = int(counts.get("imported", 0))

    def add(self, chunk: Chunk) -> Self:
        """Count what a chunk comes to."""
        self.new += chunk.new
        self.changed += chunk.changed
        # Not by `+`: somebody may be taken back from a segment, and given to it again later.
        self.segments.update(chunk.segments)
        self.repairs += chunk.repairs
        self.imported += chunk.imported
        return self

    def counts(self) -> dict[str, Any]:
        """Return the counts as the import's row keeps them."""
        return {
            "new": dict(self.new),
            "changed": dict(self.changed),
            "segments": dict(self.segments),
            "repairs": dict(self.repairs),
            "imported": self.imported,
        }
