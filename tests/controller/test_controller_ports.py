"""The port that is chosen for a child stays its own."""

import socket

import pytest

from pontlevis.controller.supervisor import free_port


def test_nobody_else_is_given_it_before_the_child_listens() -> None:
    """Neither who asks for this one nor, by the kernel, who asks for any; the child listens as servers do."""
    port = free_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    with socket.socket() as child:
        child.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        child.bind(("127.0.0.1", port))
        child.listen()
        with socket.create_connection(("127.0.0.1", port)):
            pass
