"""Child processes of the benchmark: started, waited for, measured, ended."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

START_S = 60.0
STOP_S = 10.0
CPU_CLOCK = 2  # CPUCLOCK_SCHED of the Linux kernel: user and system time of a whole process, in nanoseconds


class CannotStart(Exception):
    """A process ended early or did not answer in time."""


class Process:
    """One child; ``log`` takes what it prints on standard error."""

    def __init__(
        self,
        command: list[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        quiet: bool = False,
    ) -> None:
        self._log = log
        self._file = log.open("ab")
        self.popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            # What nobody reads would fill a pipe and stop whoever writes.
            stdout=self._file if quiet else subprocess.PIPE,
            stderr=self._file,
            env={**os.environ, **(environment or {})},
        )

    @property
    def pid(self) -> int:
        return self.popen.pid

    def line(self) -> str:
        """The next line that it prints. Raises ``CannotStart`` when it ends instead."""
        assert self.popen.stdout is not None
        text = self.popen.stdout.readline().decode().strip()
        if not text:
            raise CannotStart(f"{self.popen.args!r} ended: {self.last_words()}")
        return text

    def await_port(self, port: int) -> None:
        """Until somebody listens there. Raises ``CannotStart``."""
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self.popen.poll() is not None:
                raise CannotStart(f"{self.popen.args!r} ended: {self.last_words()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
                return
            time.sleep(0.05)
        raise CannotStart(f"{self.popen.args!r} does not listen on port {port}: {self.last_words()}")

    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-1500:]

    def stop(self) -> None:
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        if self.popen.stdout is not None:
            self.popen.stdout.close()
        self._file.close()


def cpu_s(pids: Iterable[int]) -> float:
    """CPU time so far of these processes, user and system, all their threads. Raises ``OSError`` for one that is gone."""
    return sum(_cpu_s(pid) for pid in pids)


def _cpu_s(pid: int) -> float:
    if hasattr(time, "clock_gettime") and Path("/proc/self/stat").exists():
        # /proc/PID/stat counts hundredths of a second; the process's own clock counts nanoseconds.
        return time.clock_gettime((~pid << 3) | CPU_CLOCK)
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def busy_s() -> float:
    """CPU time so far of the whole machine, all cores, time stolen by a hypervisor among it."""
    times = psutil.cpu_times()._asdict()
    return float(sum(times.values()) - times["idle"] - times.get("iowait", 0.0) - times.get("guest", 0.0))


def rss_mib(pids: Iterable[int]) -> float:
    """Resident memory of these processes together; pages that they share count for each."""
    return sum(int(psutil.Process(pid).memory_info().rss) for pid in pids) / 2**20


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    process = psutil.Process(pid)
    return [pid, *(each.pid for each in process.children(recursive=True))]


def allow_many_files() -> None:
    """Raises this process's and its children's limit of open files as far as the system lets it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
