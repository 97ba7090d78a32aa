"""What the services answered while tests ran: which operation, which status, which code.

Every answer leaves a log line. Those of services in a test's own process are seen as they are written; those of
`payrail up` are read from the logs under the tests' temporary folders when the session ends.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from payrail.runtime.logs import LogWriter

_REFUSED = 400


class Seen(NamedTuple):
    """An answer of an operation; `code` is that of the problem, None for a good answer."""

    service: str
    operation: str
    status: int
    code: str | None


class SeenAnswers:
    """The answers of one process that runs tests."""

    def __init__(self) -> None:
        self._seen: set[Seen] = set()

    def watch(self) -> None:
        """See from now on what any service of this process logs."""
        write = LogWriter.write

        def write_and_note(log: LogWriter, record: Mapping[str, Any]) -> None:
            self.note(record)
            write(log, record)

        LogWriter.write = write_and_note  # type: ignore[method-assign, assignment]

    def note(self, record: Mapping[str, Any]) -> None:
        """Take a log line in, if it is that of an answer."""
        if record.get("operation") and "status" in record:
            # A refusal that the ledger holds is rendered by its flow, which logs the code as the outcome.
            refused = record["status"] >= _REFUSED and record["code"] is None
            code = record.get("outcome") if refused else record["code"]
            self._seen.add(Seen(record["service"], record["operation"], record["status"], code))

    def add(self, answer: Seen) -> None:
        """Take in an answer that left no log line."""
        self._seen.add(answer)

    def note_logs(self, folder: Path) -> None:
        """Take in what any stack below the folder has logged. A line that a crash cut short is none."""
        for log in folder.rglob("logs/payrail.log*"):
            for line in log.read_bytes().split(b"\n"):
                try:
                    self.note(json.loads(line))
                except ValueError:
                    continue

    def write(self, file: Path) -> None:
        """Leave what was seen for `read`."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(sorted(self._seen, key=str), indent=0) + "\n")


def read(folder: Path) -> set[Seen]:
    """What all processes of a session have seen."""
    files: Iterable[Path] = folder.glob("*.json")
    return {Seen(*answer) for file in files for answer in json.loads(file.read_text())}
