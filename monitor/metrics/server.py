"""The endpoint: the registry over HTTP or HTTPS, from threads of its own."""

from __future__ import annotations

import hmac
import logging
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from pydantic import SecretStr

from monitor.errors import SettingsError
from monitor.settings.metrics import EXAMPLE, MetricsSettings

log = logging.getLogger(__name__)

PATH = "/metrics"
_PATIENCE_S = 5.0
"""A client that says or takes nothing for so long is let go, seconds."""
_MOST_AT_ONCE = 8
"""Connections that are answered at the same time; a further one is closed at once."""

_App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class MetricsServer:
    """Serves `/metrics`. A client that hangs, floods or lies costs a thread of the server, never the analysis."""

    def __init__(self, settings: MetricsSettings, registry: CollectorRegistry) -> None:
        """Bind and begin to serve. Raises SettingsError: an address, token or certificate that cannot be used."""
        host, port = settings.address
        app = _only_with(settings.token.read(), registry) if settings.token else _only_metrics(registry)
        server_class = _Server6 if ":" in host else _Server
        try:
            self._server = make_server(host, port, app, server_class, _QuietHandler)
        except OSError as error:
            raise SettingsError(
                f"metrics.listen: {settings.listen} cannot be used ({error.strerror}): does another station or program "
                f"listen there? Choose another port, e.g. {EXAMPLE.rpartition(':')[0]}:{port + 1 if port else 9464}"
            ) from error
        if settings.certificate is not None and settings.key is not None:
            try:
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(settings.certificate, settings.key)
            except (OSError, ssl.SSLError) as error:
                self._server.server_close()
                raise SettingsError(
                    f"metrics.certificate: {settings.certificate} with the key {settings.key} cannot be used "
                    f"({error}): both must be PEM files that belong together and that this user may read"
                ) from error
            self._server.tls = context
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()
        log.info("metrics are served at %s:%d%s", host, self.port, PATH)

    @property
    def port(self) -> int:
        """The port: as set, or what the system chose for 0."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening; an answer that is under way is not waited for."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_PATIENCE_S)

    def __enter__(self) -> Self:
        """Itself: closed at the end of the `with` block."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close."""
        self.close()


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16
    tls: ssl.SSLContext | None = None

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self._places = threading.BoundedSemaphore(_MOST_AT_ONCE)
        super().__init__(*arguments, **more)

    def server_bind(self) -> None:
        # As HTTPServer's, but for its question to the name service, which may take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            request.settimeout(_PATIENCE_S)
            if self.tls is not None:  # in this thread: a client that never greets must not hold up the others
                request = self.tls.wrap_socket(request, server_side=True)
        except OSError:
            self.shutdown_request(request)
        else:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a scrape from %s was broken off", client_address, exc_info=True)


class _Server6(_Server):
    address_family = socket.AF_INET6


class _QuietHandler(WSGIRequestHandler):
    timeout = _PATIENCE_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is that of the overridden
        """Nothing: a scrape every few seconds is no news."""


def _only_metrics(registry: CollectorRegistry) -> _App:
    serve: _App = make_wsgi_app(registry)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
            return [f"the metrics are at {PATH}\n".encode()]
        return serve(environ, start_response)

    return app


def _only_with(token: SecretStr, registry: CollectorRegistry) -> _App:
    serve = _only_metrics(registry)
    expected = b"Bearer " + token.get_secret_value().encode()

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = str(environ.get("HTTP_AUTHORIZATION", "")).encode("latin-1", "replace")
        if not hmac.compare_digest(given, expected):
            headers = [("WWW-Authenticate", "Bearer"), ("Content-Type", "text/plain; charset=utf-8")]
            start_response("401 Unauthorized", headers)
            return [b"the token is missing or wrong: see metrics.token\n"]
        return serve(environ, start_response)

    return app
