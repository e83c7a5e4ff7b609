"""Ports that nobody else is given between being chosen here and being bound by a child process."""

import os
import socket
from itertools import count

FIRST, SHARE = 12_000, 1_500
"""Below the range out of which the kernel gives ports to connections; each worker of a parallel run has its own part."""
WORKERS = 10

_turn = count(os.getpid() * 17)


def free_port() -> int:
    """A port of 127.0.0.1 that is free now; the same one comes again only after all others of this worker's part."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    for _ in range(SHARE):
        port = FIRST + worker * SHARE + next(_turn) % SHARE
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("no port is free")
