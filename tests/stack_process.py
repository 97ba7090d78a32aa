"""A whole stack for tests: `payrail up` as a process of its own, to be asked, killed and started again."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from payrail.runtime.faults import ENVIRONMENT_NAME
from payrail.runtime.settings import Settings, packaged_settings
from ports import held_port, port_of
from waiting import LIMIT_S, wait_until

PORT_SETTINGS = {
    "gateway": "GATEWAY_PORT",
    "vault": "VAULT_PORT",
    "provider-sim": "PROVIDER_SIM_PORT",
    "ledger-jobs": "LEDGER_JOBS_PORT",
}


class StackDied(AssertionError):
    """The process ended while the test waited for something else; the message holds all it said."""


def is_setting(name: str) -> bool:
    """Whether a stack goes by this variable of the environment, in whichever case it is written."""
    return name.upper() == ENVIRONMENT_NAME or name.lower() in Settings.model_fields


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
        held = {service: held_port() for service in PORT_SETTINGS}
        weakref.finalize(self, _close, tuple(held.values()))
        self.ports = {service: port_of(holder) for service, holder in held.items()}
        settings = packaged_settings()
        self.merchant_key = settings.merchant_api_key
        self.console_key = settings.console_api_key
        self.internal_key = settings.internal_api_key_gateway
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
        # Without a process that has its output the group is empty, and its number may be another's by now.
        if self.is_running() or any(reader.is_alive() for reader in self._readers):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.wait()
        wait_until(lambda: not self.listening(), "the ports are free again")

    def restart(self, **env: str) -> "StackProcess":
        """Start again on the same ports and data directory, after the end of the former process."""
        return self.start(**env)

    def wait(self) -> int:
        """Wait for its end by itself, and for that of all that have its output; the exit code, negative for a
        signal."""
        code = self.process.wait(LIMIT_S)
        for reader in self._readers:
            reader.join(LIMIT_S)
            assert not reader.is_alive(), f"a process was left behind:\n{self.said()}"
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

    def client(self, key: str | None = None) -> httpx.Client:
        """A client of the gateway, with the demo merchant's key unless another is given."""
        headers = {"Authorization": f"Bearer {key or self.merchant_key}"}
        return httpx.Client(base_url=self.url(), headers=headers, timeout=LIMIT_S, trust_env=False)

    def internal_client(self, service: str) -> httpx.Client:
        """A client of an internal service, with the gateway's internal key."""
        headers = {"Authorization": f"Bearer {self.internal_key}"}
        return httpx.Client(base_url=self.url(service), headers=headers, timeout=LIMIT_S, trust_env=False)

    # ---- inside ---------------------------------------------------------------------------------------------------

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not is_setting(name)}
        ports = {PORT_SETTINGS[service]: str(port) for service, port in self.ports.items()}
        return {**inherited, **ports, **self.env, **env}

    def _has_answered(self) -> bool:
        return self.is_ready() or not self.is_running()

    def _connects(self, service: str) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.ports[service])) == 0


def _close(sockets: Sequence[socket.socket]) -> None:
    for one in sockets:
        one.close()


def _reader(stream: Any, lines: list[str]) -> threading.Thread:
    """A thread that takes over what the process says, so that a full pipe never stops it."""

    def read() -> None:
        for line in stream:
            lines.append(line)  # noqa: PERF402 - each line must be seen as soon as it comes

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread
