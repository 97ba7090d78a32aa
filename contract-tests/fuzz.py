"""Fuzzes one contract on a real stack of its own, and judges what the stack is left with.

PYTHONPATH=tests .venv/bin/python contract-tests/fuzz.py --seeds 1,2 --examples 500 [--service gateway] [--report DIR]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bundles import ROOT, SERVICES
from past import make_past

from secrets_scan import find_secrets
from stack_process import StackProcess

HERE = Path(__file__).resolve().parent
PHASES = "examples,coverage,fuzzing,stateful"
# Injected time-outs cost this much each, breakers close again soon, and background work comes often. The log stays in
# one part: a fault that is logged must be found, however long the run goes on after it.
STACK = {
    "LOG_BYTES_MAX": str(1 << 40),
    "PROVIDER_TIMEOUT_S": "0.25",
    "BREAKER_OPEN_S": "1",
    "RESOLVER_INTERVAL_S": "0.5",
    "PROVIDER_WEBHOOK_INTERVAL_S": "0.2",
}
# The past is one that went well, however slow the machine is.
PATIENCE_S = "60"


@dataclass
class Outcome:
    """What a run of one contract and what it left behind say; `faults` is empty when all is well."""

    service: str
    seed: int
    said: str
    data_dir: Path
    faults: list[str] = field(default_factory=list)

    def requests(self) -> Counter[tuple[str, int]]:
        """How often each operation of the service answered with each status."""
        lines = logged(self.data_dir)
        return Counter(
            (line["operation"], line["status"])
            for line in lines
            if line.get("service") == self.service and line.get("operation") and "status" in line
        )

    def entries(self) -> Iterator[dict[str, Any]]:
        """The ledger that the run has left, book by book."""
        for book in sorted((self.data_dir / "ledger").glob("*.jsonl")):
            yield from (json.loads(line) for line in book.read_text().split("\n")[:-1])


def fuzz(
    service: str,
    *,
    seed: int,
    examples: int,
    folder: Path,
    past: bool = False,
    phases: str = PHASES,
    only: Sequence[str] = (),
    junit: Path | None = None,
    clock_unbounded: bool = False,
    flaw: str = "",
) -> Outcome:
    """Run the phases with a seed on a fresh stack in `folder`. The same seed draws the same requests.

    With `past` the stack has been in use for some days. `only` are Schemathesis' options that choose operations;
    `junit` is where to write the report; `flaw` is one that `flawed_payrail.py` gives the stack.
    """
    options = ["--phases", phases, "--seed", str(seed), "--max-examples", str(examples), *only]
    options += ["--report", "junit", "--report-junit-path", str(junit)] if junit else []
    env = {"PAYRAIL_FUZZED": service, "PAYRAIL_FUZZ_CLOCK": "unbounded" if clock_unbounded else "by days"}
    program = [str(HERE / "flawed_payrail.py")] if flaw else ["-m", "payrail.cli.main"]
    stack_env = {**STACK, "SEED": str(seed), "PAYRAIL_FLAW": flaw}
    stack = StackProcess(folder / "data", env=stack_env, program=program)
    try:
        if past:
            make_past(stack.start(PROVIDER_TIMEOUT_S=PATIENCE_S))
            stack.stop()
        stack.start()
        done = run_schemathesis(stack, service, options, env)
        ended = how_it_ends(stack)
    finally:
        stack.kill()
    outcome = Outcome(service, seed, done.stdout, stack.data_dir)
    if done.returncode != 0:
        outcome.faults.append(f"Schemathesis ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    if ended != "0":
        outcome.faults.append(f"asked to end, the stack said {ended}:\n{stack.said()}")
    outcome.faults += faults_left(stack)
    return outcome


def how_it_ends(stack: StackProcess) -> str:
    """Ask the stack to end: its exit code, or that it does not."""
    try:
        return str(stack.stop())
    except subprocess.TimeoutExpired:
        return "nothing in time"


def run_schemathesis(
    stack: StackProcess, service: str, options: Sequence[str], env: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")]
    return subprocess.run(
        [*command, "run", f"{stack.url(service)}/openapi.json", "--no-color", *options],
        cwd=stack.data_dir.parent,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE), str(ROOT / "tests")]),
            "CONSOLE_API_KEY": stack.console_key,
            "INTERNAL_API_KEY_GATEWAY": stack.internal_key,
            **env,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def faults_left(stack: StackProcess) -> list[str]:
    """What a run must not leave behind: a 500 or an error in the log, a finding in the files, a secret anywhere."""
    faults = [
        f"logged: {json.dumps(line)}"
        for line in logged(stack.data_dir)
        if line.get("status") == 500 or line.get("level") in ("error", "critical")
    ]
    verified = subprocess.run(
        [sys.executable, "-m", "payrail.cli.main", "verify", "--data-dir", str(stack.data_dir)],
        capture_output=True,
        text=True,
        check=False,
    )
    if verified.returncode != 0:
        faults.append(f"payrail verify:\n{verified.stdout}{verified.stderr}")
    return faults + find_secrets(stack.data_dir, stack.said())


def logged(data_dir: Path) -> list[dict[str, Any]]:
    """The lines of the stack's log."""
    return [json.loads(line) for line in (data_dir / "logs" / "payrail.log").read_text().split("\n")[:-1]]


def main(arguments: list[str]) -> int:
    """Fuzz as asked, say of each run how it went, and return 1 if any found a fault."""
    parser = argparse.ArgumentParser(description="Fuzz the contracts on a real stack.")
    parser.add_argument("--seeds", default="1", help="seeds, separated by commas")
    parser.add_argument("--examples", type=int, default=100, help="per operation")
    parser.add_argument("--service", choices=SERVICES, action="append", help="all if none is given")
    parser.add_argument("--report", type=Path, default=Path("build/fuzz"), help="folder of the JUnit reports")
    asked = parser.parse_args(arguments)
    asked.report.mkdir(parents=True, exist_ok=True)
    faulty = False
    for service in asked.service or SERVICES:
        for seed in asked.seeds.split(","):
            faulty |= bool(told(service, int(seed), asked.examples, asked.report.resolve()))
    return 1 if faulty else 0


def told(service: str, seed: int, examples: int, report: Path) -> list[str]:
    """One run, with a line that says how it went and what was wrong; what a faulty one left stays beside its report."""
    started = time.monotonic()
    junit = report / f"{service}-{seed}.xml"
    with tempfile.TemporaryDirectory(prefix="payrail-fuzz-") as folder:
        outcome = fuzz(service, seed=seed, examples=examples, folder=Path(folder), past=True, junit=junit)
        answers = sum(outcome.requests().values())
        if outcome.faults:
            shutil.copytree(outcome.data_dir, junit.with_suffix(".data"), dirs_exist_ok=True)
    took_s = time.monotonic() - started
    verdict = f"{len(outcome.faults)} faults" if outcome.faults else "clean"
    print(
        f"{service:13} seed {seed:<6} {answers:>7} answers  {took_s:6.0f} s  {verdict}  {junit}", flush=True
    )
    for fault in outcome.faults:
        print(fault, flush=True)
    return outcome.faults


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
