"""Run as a program by the rotated file's tests: appends numbered lines of its own, some at a time."""

import sys
from pathlib import Path

from payrail.runtime.rotated_file import RotatedFile

path, name, lines, bytes_max, kept = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
file = RotatedFile(path, bytes_max=bytes_max, kept=kept)
print("ready", flush=True)  # noqa: T201 - the parent reads that it may begin
sys.stdin.readline()
for number in range(0, lines, 5):
    batch = range(number, min(number + 5, lines))
    file.write(b"".join(f'{{"of":"{name}","n":{n},"x":"{"x" * (n % 50)}"}}\n'.encode() for n in batch))
file.close()
