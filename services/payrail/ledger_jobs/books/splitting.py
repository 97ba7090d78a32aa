"""A long book, gone through by processes of its own, so that a service that runs in this one goes on answering."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

#: From here on the start of other processes is worth it.
LONG_BYTES = 256 << 20
PART_BYTES = 128 << 20
_PROCESSES = 2
_PIECE_BYTES = 1 << 16


def in_parts(path: Path, end: int, work: Callable[[str, int, int], T]) -> Iterator[tuple[int, T]]:
    """What `work` makes of each part of the book up to `end`, in their order, with the bytes of the part.

    `work` gets the path, and where the part's first line begins and its last one ends. It is called in processes that
    are started anew (a fork would copy threads that hold locks), so it is a function that they can import.
    """
    bounds = [0, *(_line_after(path, offset) for offset in range(PART_BYTES, end, PART_BYTES)), end]
    parts = [(first, last) for first, last in pairwise(bounds) if first < last]
    with ProcessPoolExecutor(_PROCESSES, multiprocessing.get_context("spawn")) as pool:
        done = pool.map(work, [str(path)] * len(parts), *zip(*parts, strict=True))
        for (first, last), made in zip(parts, done, strict=True):
            yield last - first, made


def _line_after(path: Path, offset: int) -> int:
    """Where the first line begins that begins behind `offset`."""
    with path.open("rb") as book:
        book.seek(offset)
        while piece := book.read(_PIECE_BYTES):
            newline = piece.find(b"\n")
            if newline >= 0:
                return offset + newline + 1
            offset += len(piece)
    return offset
