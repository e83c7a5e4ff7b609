"""The parts of an engine's answer that are looked at when it has ended."""


class Collected:
    """At most ``most`` bytes are kept: of what is larger the end, where usage stands, or nothing more."""

    __slots__ = ("_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, data: bytes, most: int, *, newest: bool) -> None:
        self._size += len(data)
        if self._size <= most:
            self._parts.append(data)
        elif newest:
            while len(self._parts) > 1 and self._size > most:
                self._size -= len(self._parts.pop(0))
            self._parts.append(data)

    def whole(self) -> bytes:
        return b"".join(self._parts)

    def clear(self) -> None:
        self._parts.clear()
        self._size = 0
