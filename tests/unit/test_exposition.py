"""What Prometheus and a supervisor of services see."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from dialer.exposition import Exposition, PartHealth, expose
from dialer.types import ConfigError


class Parts:
    def __init__(self) -> None:
        self.parts = {"redis": PartHealth(True, "answers"), "database": PartHealth(True)}

    def __call__(self) -> dict[str, PartHealth]:
        return self.parts


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
def served(parts: Parts) -> Iterator[Exposition]:
    exposition = expose("127.0.0.1:0", parts)
    assert exposition is not None
    yield exposition
    exposition.close()


def get(served: Exposition, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{served.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def test_all_parts_well_is_200_and_names_them(served: Exposition) -> None:
    status, body = get(served, "/healthz")
    assert status == 200
    assert json.loads(body) == {
        "ok": True,
        "parts": {"redis": {"ok": True, "detail": "answers"}, "database": {"ok": True, "detail": ""}},
    }


def test_one_part_ill_is_503_with_its_detail(served: Exposition, parts: Parts) -> None:
    parts.parts = {"redis": PartHealth(False, "no answer within 2 s"), "database": PartHealth(True)}
    status, body = get(served, "/healthz")
    assert status == 503
    assert json.loads(body)["parts"]["redis"]["detail"] == "no answer within 2 s"


def test_metrics_are_those_of_the_process(served: Exposition) -> None:
    status, body = get(served, "/metrics")
    assert status == 200
    assert "python_info" in body


def test_other_paths_are_not_found(served: Exposition) -> None:
    assert get(served, "/secrets")[0] == 404


def test_an_empty_address_serves_nowhere() -> None:
    assert expose("", dict) is None


def test_a_port_in_use_is_said_with_the_key_and_the_remedy(served: Exposition) -> None:
    with pytest.raises(ConfigError, match=rf"service\.metrics = '127\.0\.0\.1:{served.port}'.*choose a free host:port"):
        expose(f"127.0.0.1:{served.port}", dict)


@pytest.mark.parametrize("address", ["9300", "localhost", "localhost:http", ":9300", "::1:9300"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="host:port"):
        expose(address, dict)


def test_a_port_out_of_range_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"service\.metrics"):
        expose("127.0.0.1:99999", dict)


def test_closing_frees_the_port() -> None:
    first = expose("127.0.0.1:0", dict)
    assert first is not None
    first.close()
    again = expose(f"127.0.0.1:{first.port}", dict)
    assert again is not None
    again.close()


def test_a_client_that_says_nothing_does_not_hold_up_the_others(served: Exposition) -> None:
    with socket.create_connection(("127.0.0.1", served.port)):
        assert get(served, "/healthz")[0] == 200
