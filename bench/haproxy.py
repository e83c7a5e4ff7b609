"""HAProxy, where it is installed: one thread, one static key check."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

from bench.peer import GOOD_KEY
from bench.process import CannotStart
from bench.single import Single


class HaProxy(Single):
    """Its refusal is a fixed answer to whoever does not send the one key."""

    name = "haproxy"
    refuses = True

    def command(self, upstream: str, folder: Path, port: int) -> list[str]:
        found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
        if found is None:
            raise CannotStart("haproxy is not on PATH")
        config = folder / "haproxy.cfg"
        config.write_text(
            f"""global
    nbthread 1
    maxconn 8000
defaults
    mode http
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    option http-keep-alive
    http-reuse always
frontend public
    bind 127.0.0.1:{port}
    acl known req.hdr(authorization) -m str "Bearer {GOOD_KEY}"
    http-request wait-for-body time 5s unless known
    http-request return status 401 content-type application/json string '{{"error":{{"message":"Incorrect API key"}}}}' unless known
    default_backend engine
backend engine
    server engine {urlsplit(upstream).netloc}
"""
        )
        return [found, "-f", str(config), "-db"]
