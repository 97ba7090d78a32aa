"""Reading one file of lines up to a fixed end, however long it is, in little memory."""

import os
from collections.abc import Iterator
from pathlib import Path

from payrail.runtime.append_log import read_complete_lines

_CHUNK_BYTES = 4 << 20


class LineReader:
    """The complete lines of a file before `end`, and what follows the last of them.

    `tail` is known once `lines` is exhausted; a chunk grows where one line is longer.
    """

    def __init__(self, path: Path, end: int) -> None:
        self._path = path
        self._end = end
        self.tail = b""

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Number, from 1, and bytes without the newline. Reads only."""
        if not self._end:
            return
        fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield from self._read(fd)
        finally:
            os.close(fd)

    def _read(self, fd: int) -> Iterator[tuple[int, bytes]]:
        offset, number, chunk = 0, 0, _CHUNK_BYTES
        while offset < self._end:
            lines, after = read_complete_lines(fd, offset, min(self._end, offset + chunk))
            if after == offset:
                if offset + chunk >= self._end:
                    self.tail = os.pread(fd, self._end - offset, offset)
                    return
                chunk *= 2  # One line is longer than the chunk.
                continue
            offset = after
            for line in lines:
                number += 1
                yield number, line
