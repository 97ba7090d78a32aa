"""The last line of a book, read from its end."""

import os

_PIECE_BYTES = 1 << 16


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
