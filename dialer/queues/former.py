"""What an older version left in Redis: its queues had another shape, its leases are still good."""

from __future__ import annotations

from dialer.queues.connection import RedisLink

_CHUNK = 1000


async def sweep(redis: RedisLink, root: str) -> None:
    """Drop the queues of the older version; the books fill the new ones, and leases stay as they are.

    Cut short, it goes on where it stopped the next time: the index goes last.
    """
    leads = f"{root}:leads"
    if not await redis.call("EXISTS", leads):
        return
    cursor, queues = "0", set[str]()
    while True:
        cursor, found = await redis.call("HSCAN", leads, cursor, "COUNT", _CHUNK)
        queues |= {key for record in _values(found) for key in _queues(root, record)}
        if str(cursor) == "0":
            break
    for key in (*sorted(queues), leads, f"{root}:owners"):
        await redis.call("UNLINK", key)


def _values(found: dict[str, str] | list[str]) -> list[str]:
    return list(found.values()) if isinstance(found, dict) else found[1::2]


def _queues(root: str, record: str) -> tuple[str, str]:
    segment, _, _, _, _, campaign, *_ = record.split("\t", 6)
    return f"{root}:campaign:{campaign}:queue:{segment}", f"{root}:campaign:{campaign}:aside"
