"""Rows read in two processes beside the one that writes: bounded, in order, and gone when their master is."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice

from campaigns.lists.rows import Plan, RawRow, Reject, Row, RowReader
from dialer.types import Unavailable

PROCESSES = 2
BATCH_ROWS = 500
WORTH_PROCESSES = 4_000
"""A shorter list is read before two processes have started."""

SELDOM = 50_000
"""Objects between two looks for garbage: rows hold no circles, and the usual 700 cost more than all parsing."""

_AHEAD = 6
_BATCH_S = 60.0

Answers = list[Row | Reject]
_reader: RowReader | None = None


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Let this process look for garbage seldom while it handles many rows."""
    usual = gc.get_threshold()
    gc.set_threshold(SELDOM, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


async def parsed(rows: Iterator[RawRow], plan: Plan, expected: int) -> AsyncGenerator[Answers]:
    """Yield the rows in the file's order, in batches; `expected` is about how many there are.

    Raises Unavailable when a process ends before its work, or does not answer in time.
    """
    batches = _batches(rows)
    if expected < WORTH_PROCESSES:
        reader = RowReader(plan)
        for batch in batches:
            yield _read(reader, batch)
            await asyncio.sleep(0)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=_begin, initargs=(plan,))
    try:
        async for answers in _ordered(pool, batches):
            yield answers
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


async def _ordered(pool: ProcessPoolExecutor, batches: Iterator[list[RawRow]]) -> AsyncGenerator[Answers]:
    waiting: deque[Future[Answers]] = deque()
    try:
        for batch in batches:
            waiting.append(pool.submit(_work, batch))
            if len(waiting) == _AHEAD:
                yield await _answer(waiting.popleft())
        while waiting:
            yield await _answer(waiting.popleft())
    except BrokenExecutor as error:
        raise Unavailable("a process that reads the list ended; start the import again: it goes on") from error


async def _answer(future: Future[Answers]) -> Answers:
    try:
        async with asyncio.timeout(_BATCH_S):
            return await asyncio.wrap_future(future)
    except TimeoutError as error:
        raise Unavailable(f"{BATCH_ROWS} rows were not read within {_BATCH_S:g} s; start the import again") from error


def _batches(rows: Iterator[RawRow]) -> Iterator[list[RawRow]]:
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch


def _begin(plan: Plan) -> None:
    global _reader
    _reader = RowReader(plan)
    gc.set_threshold(SELDOM)
    threading.Thread(target=_end_with_master, daemon=True).start()


def _end_with_master() -> None:
    """A master that was killed tells nobody: its end is waited for."""
    master = multiprocessing.parent_process()
    if master is not None:
        master.join()
        os._exit(1)


def _work(batch: Sequence[RawRow]) -> Answers:
    if _reader is None:
        raise RuntimeError("the process was not told how to read")
    return _read(_reader, batch)


def _read(reader: RowReader, batch: Sequence[RawRow]) -> Answers:
    return [reader.read(line, cells) for line, cells in batch]
