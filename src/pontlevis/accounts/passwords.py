"""Passwords: what is accepted, and a bounded pool that hashes them off the event loop."""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pontlevis.accounts.breached import BreachedList, is_common
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.policy import AccountPolicy


class HashPool:
    """Argon2id (RFC 9106) in a few threads, with two short queues before them.

    Whoever comes from a familiar source goes first. When a queue is full the caller is refused at once:
    a flood of log-ins costs no more than the threads do.
    """

    def __init__(self, policy: AccountPolicy, service_name: str = "") -> None:
        self._policy = policy
        self._name = service_name
        self._breached = BreachedList(Path(policy.breached_passwords)) if policy.breached_passwords else None
        self._hasher = PasswordHasher(
            time_cost=policy.argon2_passes,
            memory_cost=policy.argon2_memory_kib,
            parallelism=policy.argon2_lanes,
        )
        self._threads = ThreadPoolExecutor(policy.hash_threads, thread_name_prefix="argon2")
        self._free = policy.hash_threads
        self._waiting: tuple[list[asyncio.Future[None]], list[asyncio.Future[None]]] = ([], [])
        self._dummy = self._hasher.hash("nobody has this password")

    async def check(self, password: str, email: str) -> str:
        """The password as it is hashed (NFKC). Raises ``AccountError`` 400 for one that is too easy."""
        text = unicodedata.normalize("NFKC", password)
        low, high = self._policy.password_min, self._policy.password_max
        if not low <= len(text) <= high or any("\ud800" <= each <= "\udfff" for each in text):
            raise AccountError(
                400,
                "invalid_password",
                f"the password must have {low} to {high} characters",
                param="password",
            )
        local, _, domain = email.lower().rpartition("@")
        own = (email, local, domain, domain.partition(".")[0], self._name)
        if is_common(text, own=own):
            raise AccountError(400, "common_password", "this password is too easy to guess", param="password")
        if self._breached is not None and await asyncio.to_thread(self._breached.__contains__, text):
            raise AccountError(
                400,
                "breached_password",
                "this password is in a public list of stolen passwords; choose another one",
                param="password",
            )
        return text

    async def hash(self, password: str, *, familiar: bool) -> str:
        """Raises ``AccountError`` 503 when too many wait."""
        await self._turn(familiar)
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._hasher.hash, password
            )
        finally:
            self._next()

    async def verify(self, hash_: str, password: str, *, familiar: bool) -> bool:
        """Whether the password fits; an empty hash costs the same time and never fits.

        Raises ``AccountError`` 503 when too many wait.
        """
        text = unicodedata.normalize("NFKC", password)[: self._policy.password_max + 1]
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair is in no accepted password
        await self._turn(familiar)
        try:
            fits = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._fits, hash_ or self._dummy, text
            )
        finally:
            self._next()
        return fits and bool(hash_)

    @property
    def crowded(self) -> bool:
        """Whether half of what may wait from unfamiliar sources does."""
        return 2 * len(self._waiting[1]) >= self._policy.hash_queue

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _fits(self, hash_: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash_, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _turn(self, familiar: bool) -> None:
        if self._free > 0:
            self._free -= 1
            return
        queue = self._waiting[0 if familiar else 1]
        if len(queue) >= self._policy.hash_queue:
            raise AccountError(
                503,
                "overloaded",
                "too many people log in at this moment; please try again shortly",
                retry_after_s=3,
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn in queue:
                queue.remove(turn)
            else:
                self._next()
            raise

    def _next(self) -> None:
        for queue in self._waiting:
            while queue:
                turn = queue.pop(0)
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1
