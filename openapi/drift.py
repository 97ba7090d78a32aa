"""Proves that what is committed is what the contracts give: bundles, SDK and types, no file too few and none too many.

    .venv/bin/python openapi/drift.py

Everything is generated anew into an empty folder and compared byte by byte.
"""

import sys
import tempfile
from pathlib import Path

from generate import HERE, GenerationError, generate, generated_files

REMEDY = "Run `make generate` and commit the result."


def main() -> int:
    """0 when nothing differs; 1 with a line for each file that does, and what to do about it."""
    try:
        with tempfile.TemporaryDirectory(prefix="payrail-drift-") as folder:
            generate(Path(folder))
            found = differences(HERE.parent, Path(folder))
    except GenerationError as error:
        print(f"openapi/drift.py: {error}", file=sys.stderr)
        return 1
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print(f"What is generated is not what the contracts give. {REMEDY}", file=sys.stderr)
    return 1 if found else 0


def differences(committed_root: Path, fresh_root: Path) -> list[str]:
    """A line for each generated file that is missing, differs, or is there though no contract gives it."""
    committed, fresh = generated_files(committed_root), generated_files(fresh_root)
    return [
        f"{path}: {fault}"
        for path in sorted({*committed, *fresh})
        if (fault := _fault(committed.get(path), fresh.get(path)))
    ]


def _fault(committed: Path | None, fresh: Path | None) -> str | None:
    if committed is None:
        return "is missing"
    if fresh is None:
        return "is generated from no contract"
    return None if committed.read_bytes() == fresh.read_bytes() else "differs from what its contract gives"


if __name__ == "__main__":
    sys.exit(main())
