"""The parts of an engine's answer that are looked at when it has ended."""

from collections import deque


class Collected:
    """At most ``most`` bytes are kept: of what is larger the end, where usage stands, or nothing more."""

    __slots__ = ("_parts", "_size", "left_out")

    def __init__(self) -> None:
        self._parts: deque[bytes] = deque()
        self._size = 0
        self.left_out = False
        """Whether what is kept is not the whole."""

    def add(self, data: bytes, most: int, *, newest: bool) -> None:
        self._size += len(data)
        if self._size <= most:
            self._parts.append(data)
            return
        self.left_out = True
        if newest:
            while len(self._parts) > 1 and self._size > most:
                self._size -= len(self._parts.popleft())
            self._parts.append(data)

    def whole(self) -> bytes:
        return b"".join(self._parts)

    def clear(self) -> None:
        self._parts.clear()
        self._size = 0
        self.left_out = False
