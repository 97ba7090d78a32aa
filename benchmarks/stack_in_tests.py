"""How long a test waits for its stack: the first one in a process, which loads and compiles everything, and later ones.

Wall time and CPU time: on a busy machine only the second says what a stack costs.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

STACKS = 20


def one_stack(directory: Path) -> tuple[float, float, float]:
    """Seconds until a stack serves, seconds until it is ended and proved, and CPU seconds of both."""
    cpu_s, began = time.process_time(), time.perf_counter()
    from payrail.testing import running_payrail  # noqa: PLC0415 - the first start loads it, as in a test

    with running_payrail(directory):
        served = time.perf_counter()
    return served - began, time.perf_counter() - served, time.process_time() - cpu_s


def main() -> None:
    """Start and end some stacks, one after the other; print what the first cost, and the median of the others."""
    with tempfile.TemporaryDirectory() as directory:
        first, *later = [one_stack(Path(directory, str(number))) for number in range(STACKS)]
    starts, ends, cpus = (median(column) for column in zip(*later, strict=True))
    print("stack in a test               start      end and proof      CPU")
    print(f"  first of a process       {first[0]:8.3f} s {first[1]:14.3f} s {first[2]:8.3f} s")
    print(f"  later, median of {len(later):2}      {starts:8.3f} s {ends:14.3f} s {cpus:8.3f} s")
    print(f"  later against first      {starts / first[0]:8.3f}")


if __name__ == "__main__":
    main()
