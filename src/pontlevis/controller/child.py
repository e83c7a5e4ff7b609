"""One child process of the supervisor, from its start to its end."""

import atexit
import os
import sys
from pathlib import Path

from pontlevis.brain.peppers import Peppers
from pontlevis.controller.children import (
    end_with_parent,
    raise_file_limit,
    read_settings,
    say_no_more,
    set_up_logging,
)


def main(arguments: list[str]) -> None:
    """``controller|admission|gateway[-NUMBER] SOCKETS PARENT``: one child's whole life."""
    atexit.register(say_no_more)  # first, so that it is called last
    name, sockets_text, parent = arguments
    role, _, number = name.partition("-")
    sockets = Path(sockets_text)
    end_with_parent(int(parent))
    set_up_logging()
    raise_file_limit()
    settings = read_settings(sockets / "settings.json")
    pepper = Peppers.unpack(bytes.fromhex(os.environ.pop("PONTLEVIS_CHILD_PEPPER")))
    if role == "gateway":
        from pontlevis.gateway.worker import run as run_gateway

        run_gateway(settings, number=int(number or 0), pepper=pepper, sockets=sockets)
    elif role == "admission":
        from pontlevis.gateway.owner_process import run as run_admission

        run_admission(settings, sockets=sockets)
    else:
        from pontlevis.controller.process import run as run_controller

        run_controller(settings, pepper=pepper, sockets=sockets)


if __name__ == "__main__":
    main(sys.argv[1:])
