"""Lines of a book by their place: the last one, read from the end, and the number of one, for a person to find it."""

import os

_PIECE_BYTES = 1 << 16
_COUNT_BYTES = 16 << 20


def last_complete_line(fd: int, end: int) -> tuple[bytes, int]:
    """The last line that ends in a newline before `end`, without it, and the offset after it; empty and 0 if none."""
    length = _PIECE_BYTES
    while end:
        start = max(0, end - length)
        piece = os.pread(fd, end - start, start)
        newline = piece.rfind(b"\n")
        begins = piece.rfind(b"\n", 0, max(newline, 0)) + 1
        if newline >= 0 and (begins or start == 0):
            return piece[begins:newline], start + newline + 1
        if start == 0:
            break
        length *= 2
    return b"", 0


def lines_before(fd: int, offset: int) -> int:
    """How many lines end before `offset`."""
    return sum(
        os.pread(fd, min(_COUNT_BYTES, offset - start), start).count(b"\n")
        for start in range(0, offset, _COUNT_BYTES)
    )
