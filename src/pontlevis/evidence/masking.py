"""Pseudonyms for addresses: keyed, the same address always the same one, prefixes kept.

Prefix-preserving as Crypto-PAn is (Xu, Fan, Ammar, Moon: Prefix-Preserving IP Address Anonymization, ICNP
2002): two addresses that share their first n bits have pseudonyms that share exactly their first n bits.
A byte's eight flips come from one keyed BLAKE2s digest of the bytes before it, one bit for each node of
the tree below them, so that an IPv4 address costs four digests instead of thirty-two.
"""

import os
import re
import secrets
from hashlib import blake2s
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

KEY_BYTES = 32
MOST_REMEMBERED = 65_536
_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w:])"
)


class Mask:
    """Replaces addresses under one key, and finds them again for who has it.

    Raises ValueError for a key that is too short.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the key for pseudonyms has {len(key)} bytes instead of {KEY_BYTES}")
        self._key = key[:KEY_BYTES]
        self._known: dict[str, str] = {}

    def hide(self, source: str) -> str:
        """The pseudonym of an address or prefix; a word that is neither stays as it is."""
        known = self._known.get(source)
        if known is None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            known = self._known[source] = self._turned(source, hide=True)
        return known

    def reveal(self, pseudonym: str) -> str:
        """The address behind a pseudonym."""
        return self._turned(pseudonym, hide=False)

    def hide_in(self, text: str) -> str:
        """A sentence with every address in it replaced."""
        return _ADDRESS.sub(lambda found: self.hide(found.group()), text)

    def _turned(self, source: str, *, hide: bool) -> str:
        name, slash, length = source.partition("/")
        try:
            address = ip_address(name)
        except ValueError:
            return source
        turned = self._bytes(address.packed, hide=hide)
        if slash and length.isdigit():
            bits = min(int(length), address.max_prefixlen)
            number = (
                int.from_bytes(turned) >> (address.max_prefixlen - bits) << (address.max_prefixlen - bits)
            )
            turned = number.to_bytes(len(turned))
        made = IPv4Address(turned) if len(turned) == 4 else IPv6Address(turned)
        return f"{made}{slash}{length}"

    def _bytes(self, packed: bytes, *, hide: bool) -> bytes:
        plain = bytearray()
        out = bytearray()
        for byte in packed:
            # Of both families apart; the tree's nodes are the 255 beginnings of the byte.
            tree = blake2s(bytes([len(packed)]) + plain, key=self._key).digest()
            node, was, made = 1, 0, 0
            for place in range(7, -1, -1):
                bit = byte >> place & 1
                turned = bit ^ (tree[node >> 3] >> (node & 7) & 1)
                original = bit if hide else turned
                node = node << 1 | original
                was = was << 1 | original
                made = made << 1 | turned
            plain.append(was)
            out.append(made)
        return bytes(out)


def key_in(file: Path) -> bytes:
    """The key under the pseudonyms, made on first use, mode 0600. Raises ``OSError``."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        key = secrets.token_bytes(KEY_BYTES)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(key)
            out.flush()
            os.fsync(out.fileno())
        return key
