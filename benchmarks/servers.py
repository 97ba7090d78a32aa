"""The servers under load, each in processes of its own, and the CPU they use."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_START_S_MAX = 30
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server: its port, and the processes that do its work."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """CPU seconds used so far by the server and its children."""
        return sum(_cpu_s(pid) for pid in (self.pid, *_children(self.pid)))


@contextmanager
def bare_server() -> Iterator[Server]:
    """The bare Starlette app: a durable append per request, on the same server settings."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "benchmarks.bare_app", str(port), directory]
        with _running(command, port, os.environ) as server:
            yield server


@contextmanager
def payrail_server(*options: str) -> Iterator[Server]:
    """The whole stack as `payrail up` starts it, on free ports, with a data directory of its own."""
    ports = {name: free_port() for name in ("GATEWAY", "VAULT", "PROVIDER_SIM", "LEDGER_JOBS")}
    with tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, **{f"{name}_PORT": str(port) for name, port in ports.items()}}
        command = [sys.executable, "-m", "payrail.cli.main", "up", "--data-dir", directory, *options]
        with _running(command, ports["GATEWAY"], environment) as server:
            yield server


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int, environment: Mapping[str, str]) -> Iterator[Server]:
    log = Path(tempfile.gettempdir()) / f"payrail-benchmark-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=dict(environment), stdout=output, stderr=output)  # noqa: S603
        try:
            _await_port(process, port, log)
            yield Server(port, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_START_S_MAX)
    log.unlink()


def _await_port(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_S_MAX
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_children(int(child))]
    return found
