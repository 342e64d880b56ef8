"""The abandoned-call menu: a small process of its own, because pyst2 blocks and sets signal handlers."""
