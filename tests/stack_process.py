"""A whole stack for tests: `payrail up` as a process of its own, to be asked, killed and started again."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from payrail.runtime.settings import SECRET_NAMES, load_settings
from waiting import LIMIT_S, wait_until

PORT_SETTINGS = {
    "gateway": "GATEWAY_PORT",
    "vault": "VAULT_PORT",
    "provider-sim": "PROVIDER_SIM_PORT",
    "ledger-jobs": "LEDGER_JOBS_PORT",
}
# Below the range from which the system gives ports to clients, so that none of those takes ours between two starts.
_PORTS = range(20_000, 32_000)
_PARTS = 8
# The ports that were given away last: whoever has them may not listen yet, or not at the moment.
_given: deque[int] = deque(maxlen=800)


class StackDied(AssertionError):
    """The process ended while the test waited for something else; the message holds all it said."""


def free_ports(number: int) -> list[int]:
    """Different ports that nobody listens on now; processes that test side by side choose from parts of their own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _PARTS
    candidates = [port for port in _PORTS[worker::_PARTS] if port not in _given]
    random.shuffle(candidates)
    free = [port for port in candidates[: number * 20] if _is_free(port)][:number]
    assert len(free) == number, "no free ports"
    _given.extend(free)
    return free


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class StackProcess:
    """`payrail up` on ports and a data directory that stay the same over restarts.

    The process leads a session of its own: `kill` takes it and its children at once, as a power cut would.
    """

    def __init__(
        self,
        data_dir: Path,
        *options: str,
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "payrail.cli.main"),
    ) -> None:
        """Nothing runs before `start`. `env` is added to the environment of every start; `program` is what Python
        runs in place of `payrail`."""
        self.program = program
        self.data_dir = data_dir
        self.options = list(options)
        self.env = dict(env or {})
        self.ports = dict(zip(PORT_SETTINGS, free_ports(len(PORT_SETTINGS)), strict=True))
        self.merchant_key = load_settings().merchant_api_key
        self.console_key = load_settings().console_api_key
        self.internal_key = load_settings().internal_api_key_gateway
        self._process: subprocess.Popen[str] | None = None
        self._readers: list[threading.Thread] = []
        self.out: list[str] = []
        self.err: list[str] = []

    # ---- life -----------------------------------------------------------------------------------------------------

    def launch(self, **env: str) -> "StackProcess":
        """Start the process and do not wait for it."""
        assert not self.is_running(), "it runs already"
        data_dir = str(self.data_dir)
        command = [sys.executable, *self.program, "up", "--data-dir", data_dir, *self.options]
        self.out, self.err = [], []
        self._process = subprocess.Popen(
            command,
            env=self._environment(env),
            cwd=self.data_dir.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._readers = [
            _reader(self._process.stdout, self.out),
            _reader(self._process.stderr, self.err),
        ]
        return self

    def start(self, **env: str) -> "StackProcess":
        """Start the process with these additions to its environment; return when it says that it is ready."""
        self.launch(**env)
        wait_until(self._has_answered, "the stack is ready")
        if not self.is_ready():
            raise StackDied(f"it ended with {self.wait()} before it was ready:\n{self.said()}")
        return self

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(number)
        return self.wait()

    def kill(self) -> None:
        """End every process of the stack with SIGKILL, and return when none is left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.wait()
        wait_until(lambda: not self.listening(), "the ports are free again")

    def restart(self, **env: str) -> "StackProcess":
        """Start again on the same ports and data directory, after the end of the former process."""
        return self.start(**env)

    def wait(self, timeout_s: float = LIMIT_S) -> int:
        """Wait for its end by itself; the exit code, negative for a signal."""
        code = self.process.wait(timeout_s)
        for reader in self._readers:
            reader.join(timeout_s)
        return code

    # ---- what it is doing -----------------------------------------------------------------------------------------

    @property
    def process(self) -> "subprocess.Popen[str]":
        assert self._process is not None, "it was never started"
        return self._process

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def is_ready(self) -> bool:
        return any(line.startswith("Ready.") for line in self.out)

    def said(self) -> str:
        """All that it wrote to standard output and standard error."""
        return "".join([*self.out, *self.err])

    def children(self) -> list[int]:
        """The process ids of its children."""
        found = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == self.process.pid:
                found.append(int(status.parent.name))
        return sorted(found)

    def listening(self) -> list[str]:
        """The services whose port takes connections."""
        return [service for service in self.ports if self._connects(service)]

    # ---- talking to it --------------------------------------------------------------------------------------------

    def url(self, service: str = "gateway") -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def client(self, key: str | None = None, *, timeout_s: float = LIMIT_S) -> httpx.Client:
        """A client of the gateway, with the demo merchant's key unless another is given."""
        headers = {"Authorization": f"Bearer {key or self.merchant_key}"}
        return httpx.Client(base_url=self.url(), headers=headers, timeout=timeout_s, trust_env=False)

    def internal_client(self, service: str, *, timeout_s: float = LIMIT_S) -> httpx.Client:
        """A client of an internal service, with the gateway's internal key."""
        headers = {"Authorization": f"Bearer {self.internal_key}"}
        return httpx.Client(base_url=self.url(service), headers=headers, timeout=timeout_s, trust_env=False)

    # ---- inside ---------------------------------------------------------------------------------------------------

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        settings = {*SECRET_NAMES, "PAYRAIL_ENV", "PAYRAIL_DATA_DIR", "PAYRAIL_FAULT", "BIND_HOST"}
        inherited = {name: value for name, value in os.environ.items() if name not in settings}
        ports = {PORT_SETTINGS[service]: str(port) for service, port in self.ports.items()}
        return {**inherited, **ports, **self.env, **env}

    def _has_answered(self) -> bool:
        return self.is_ready() or not self.is_running()

    def _connects(self, service: str) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.ports[service])) == 0


def _reader(stream: Any, lines: list[str]) -> threading.Thread:
    """A thread that takes over what the process says, so that a full pipe never stops it."""

    def read() -> None:
        for line in stream:
            lines.append(line)  # noqa: PERF402 - each line must be seen as soon as it comes

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread
