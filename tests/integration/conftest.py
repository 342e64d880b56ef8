"""Real servers for every integration test."""

from tests.lab.fixtures import lab_root, postgres, redis_server

__all__ = ["lab_root", "postgres", "redis_server"]
