"""/metrics for Prometheus and /healthz for whoever supervises the service, from a thread of their own."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import make_wsgi_app

from dialer.types import ConfigError

_ADDRESS = re.compile(r"^(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:]+):(?P<port>\d{1,5})$")


@dataclass(frozen=True, slots=True)
class PartHealth:
    """Whether one part (redis, database, a node) works, and in words how."""

    ok: bool
    detail: str = ""


Health = Callable[[], Mapping[str, PartHealth]]
"""Returns a finished snapshot; it is called from another thread and must not wait for anything."""


class Exposition:
    """Serves until closed; requests never touch the engine's loop."""

    def __init__(self, server: WSGIServer) -> None:
        """Serve in a daemon thread: it never keeps the process alive."""
        self._server = server
        self._thread = Thread(
            target=server.serve_forever, name="exposition", daemon=True, kwargs={"poll_interval": 0.1}
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port in use (of interest when 0 was asked for)."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def expose(address: str, health: Health) -> Exposition | None:
    """Serve /metrics and /healthz on host:port; "" means nowhere.

    Raises ConfigError naming service.metrics when the address is not one or cannot be had.
    """
    if not address:
        return None
    host, port = _host_and_port(address)
    try:
        server = _server_class(host)((host, port), _Handler)
    except (OSError, OverflowError) as exc:
        raise ConfigError(
            f"service.metrics = {address!r}: cannot listen there: {exc}; "
            'choose a free host:port in config.toml, or "" for none'
        ) from exc
    server.set_app(wsgi_app(health))
    return Exposition(server)


def wsgi_app(health: Health) -> WSGIApplication:
    """Return the WSGI application behind the port."""
    metrics_app: WSGIApplication = make_wsgi_app()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        match environ.get("PATH_INFO"):
            case "/metrics":
                return metrics_app(environ, start_response)
            case "/healthz":
                return _healthz(health(), start_response)
            case _:
                start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
                return [b"/metrics and /healthz live here\n"]

    return app


def _healthz(parts: Mapping[str, PartHealth], start_response: StartResponse) -> Iterable[bytes]:
    ok = all(part.ok for part in parts.values())
    body = {"ok": ok, "parts": {name: asdict(part) for name, part in parts.items()}}
    start_response("200 OK" if ok else "503 Service Unavailable", [("Content-Type", "application/json")])
    return [json.dumps(body).encode() + b"\n"]


def _host_and_port(address: str) -> tuple[str, int]:
    match = _ADDRESS.match(address)
    if match is None:
        raise ConfigError(f"service.metrics = {address!r}: write it as host:port, for example 127.0.0.1:9300")
    return match["host"].strip("[]"), int(match["port"])


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_port = False

    def server_bind(self) -> None:
        # Not HTTPServer's: it asks DNS for the host's name, which can hang a start for many seconds.
        TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)
        self.setup_environ()


class _Server6(_Server):
    address_family = socket.AF_INET6


def _server_class(host: str) -> type[_Server]:
    return _Server6 if ":" in host else _Server


class _Handler(WSGIRequestHandler):
    timeout = 5.0  # a client that says nothing does not hold its thread for ever

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a scrape every few seconds is not news."""
