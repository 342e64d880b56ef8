"""The engine: events in, orders out. Start reading at `engine.py`; one call's way is in docs/architecture.md."""

from dialer.engine.engine import Engine

__all__ = ["Engine"]
