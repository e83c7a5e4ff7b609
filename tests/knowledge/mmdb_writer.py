"""Writes small databases in the MaxMind DB format 2.0, after its public specification."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

Value = str | int | dict[str, "Value"] | list["Value"]
Node = list["Node | bytes | None"]
MARKER = b"\xab\xcd\xefMaxMind.com"


def encoded(value: Value) -> bytes:
    """One value of the data section."""
    if isinstance(value, str):
        raw = value.encode()
        return _control(2, len(raw)) + raw
    if isinstance(value, int):
        raw = value.to_bytes(8, "big").lstrip(b"\0")
        return _control(9, len(raw)) + raw if len(raw) > 4 else _control(6, len(raw)) + raw
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(encoded(k) + encoded(v) for k, v in value.items())
    return _control(11, len(value)) + b"".join(map(encoded, value))


def _control(kind: int, size: int) -> bytes:
    assert size < 285
    low, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    if kind > 7:
        return bytes([low, kind - 7]) + more
    return bytes([kind << 5 | low]) + more


def write(path: Path, records: dict[str, Value], *, database_type: str = "Example-ASN") -> None:
    """Networks and what is said of them; a tree of IPv6 with IPv4 at ``::/96``."""
    root: Node = [None, None]
    for text, value in records.items():
        network: IPv4Network | IPv6Network = ip_network(text)
        shift = 96 if network.version == 4 else 0
        length = network.prefixlen + shift
        number = int(network.network_address)
        node = root
        for depth in range(length):
            bit = number >> (127 - depth) & 1
            if depth == length - 1:
                node[bit] = encoded(value)
                break
            nxt = node[bit]
            if not isinstance(nxt, list):
                nxt = node[bit] = [None, None]
            node = nxt
    nodes: list[Node] = []

    def number_nodes(node: Node) -> None:
        nodes.append(node)
        for child in node:
            if isinstance(child, list):
                number_nodes(child)

    number_nodes(root)
    index = {id(node): at for at, node in enumerate(nodes)}
    data = b""
    tree = b""
    for node in nodes:
        for child in node:
            if child is None:
                record = len(nodes)
            elif isinstance(child, list):
                record = index[id(child)]
            else:
                record = len(nodes) + 16 + len(data)
                data += child
            tree += record.to_bytes(4, "big")
    about: dict[str, Value] = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1_740_000_000,
        "database_type": database_type,
        "description": {"en": "An example"},
        "ip_version": 6,
        "languages": ["en"],
        "node_count": len(nodes),
        "record_size": 32,
    }
    path.write_bytes(tree + b"\0" * 16 + data + MARKER + encoded(about))
