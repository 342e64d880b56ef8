"""Stories of a debtor at the menu, told over a real socket by a scripted Asterisk."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dialer.agi.menu import MenuProcess, listen
from dialer.config import MenuConfig
from dialer.types import ConfigError
from tests.lab.processes import eventually

SOUNDS = "/srv/sounds/es"
GREETING = f"agi_network: yes\nagi_request: agi://127.0.0.1/menu\nagi_channel: PJSIP/a-1\nagi_arg_1: {SOUNDS}\n\n"


def free_menu(max_sessions: int = 50) -> MenuConfig:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    return MenuConfig(port=port, max_sessions=max_sessions)


@pytest.fixture
def menu() -> Iterator[MenuConfig]:
    config = free_menu()
    with MenuProcess(config):
        yield config


class FakeAsterisk:
    """One channel that runs AGI(): what the menu asks for is compared, then answered."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = connection.makefile("r", encoding="utf-8")

    def says(self, text: str) -> None:
        self._connection.sendall(text.encode())

    def hears(self) -> str:
        return self._lines.readline().strip()

    def plays(self, prompt: str, keys: str, pressed: str = "") -> None:
        assert self.hears() == f'STREAM FILE {SOUNDS}/{prompt} "{keys}" 0'
        self.says(f"200 result={ord(pressed) if pressed else 0} endpos=8000\n")

    def waits_for_digit(self, pressed: str = "") -> None:
        assert self.hears() == "WAIT FOR DIGIT 4000"
        self.says(f"200 result={ord(pressed) if pressed else 0}\n")

    def is_told(self, choice: str) -> None:
        assert self.hears() == f'SET VARIABLE "DIALER_CHOICE" "{choice}"'
        self.says("200 result=1\n")

    def close(self) -> None:
        self._lines.close()
        self._connection.close()


@contextmanager
def call(menu: MenuConfig, greeting: str = GREETING) -> Iterator[FakeAsterisk]:
    asterisk = FakeAsterisk(socket.create_connection((menu.host, menu.port), timeout=10))
    try:
        asterisk.says(greeting)
        yield asterisk
    finally:
        asterisk.close()


def test_one_asks_to_be_called_back(menu: MenuConfig) -> None:
    with call(menu) as asterisk:
        asterisk.plays("menu", "12", pressed="1")
        asterisk.is_told("callback")
        asterisk.plays("callback", "")
        assert asterisk.hears() == ""


def test_two_after_the_menu_was_spoken_opts_out(menu: MenuConfig) -> None:
    with call(menu) as asterisk:
        asterisk.plays("menu", "12")
        asterisk.waits_for_digit(pressed="2")
        asterisk.is_told("optout")
        asterisk.plays("optout", "")


def test_a_wrong_key_hears_the_menu_once_more_and_nothing_is_chosen(menu: MenuConfig) -> None:
    with call(menu) as asterisk:
        asterisk.plays("menu", "12")
        asterisk.waits_for_digit(pressed="9")
        asterisk.plays("menu", "12")
        asterisk.waits_for_digit()
        asterisk.is_told("none")
        asterisk.plays("goodbye", "")


@pytest.mark.parametrize("farewell", ["HANGUP\n", "200 result=-1 endpos=400\n", "511 result=-1 channel dead\n"])
def test_a_hang_up_in_the_menu_ends_the_session(menu: MenuConfig, farewell: str) -> None:
    with call(menu) as asterisk:
        asterisk.hears()
        asterisk.says(farewell)
        assert asterisk.hears() == ""


def test_connecting_and_closing_does_no_harm(menu: MenuConfig) -> None:
    for _ in range(20):
        socket.create_connection((menu.host, menu.port), timeout=10).close()
    with call(menu) as asterisk:
        asterisk.plays("menu", "12", pressed="1")
        asterisk.is_told("callback")


def test_nonsense_instead_of_a_request_does_no_harm(menu: MenuConfig) -> None:
    with call(menu, "GET / HTTP/1.0\n\n") as stranger:
        assert stranger.hears() == ""
    with call(menu) as asterisk:
        asterisk.plays("menu", "12", pressed="2")


def test_two_debtors_at_once_do_not_wait_for_each_other(menu: MenuConfig) -> None:
    with call(menu) as slow, call(menu) as quick:
        assert slow.hears().startswith("STREAM FILE")
        quick.plays("menu", "12", pressed="1")
        quick.is_told("callback")


def test_one_debtor_too_many_is_turned_away_and_the_place_is_free_again() -> None:
    config = free_menu(max_sessions=1)
    with MenuProcess(config):
        with call(config) as first:
            first.hears()
            assert turned_away(config)
        assert served_again(config)


def served_again(config: MenuConfig) -> bool:
    """The ended session is reaped by the next connection or within half a second."""
    return eventually(lambda: served(config), "the place is free again", 20)


def served(config: MenuConfig) -> bool:
    with socket.create_connection((config.host, config.port), timeout=10) as connection:
        try:
            connection.sendall(GREETING.encode())
            return bool(connection.recv(1))
        except (ConnectionResetError, BrokenPipeError):
            return False


def turned_away(config: MenuConfig) -> bool:
    with socket.create_connection((config.host, config.port), timeout=10) as connection:
        try:
            return connection.recv(1) == b""
        except ConnectionResetError:
            return True


def test_the_end_of_the_block_ends_the_process_and_frees_the_port() -> None:
    config = free_menu()
    with MenuProcess(config) as process:
        assert process.alive()
    assert not process.alive()
    listen(config).close()


def test_an_address_in_use_is_a_config_error_that_names_it() -> None:
    config = free_menu()
    with listen(config), pytest.raises(ConfigError, match=f"127.0.0.1:{config.port}.*change host or port"):
        listen(config)


def test_the_menu_ends_with_a_killed_parent() -> None:
    config = free_menu()
    story = (
        "import time; from dialer.agi.menu import MenuProcess; from dialer.config import MenuConfig\n"
        f"with MenuProcess(MenuConfig(port={config.port})):\n    print('up', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", story], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"up\n"
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(10)
    parent.stdout.close()
    listen(config, wait_s=10).close()
