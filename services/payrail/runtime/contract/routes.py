"""The routing table: fixed paths by one look-up, paths with parameters by their segments."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from . import refusals

if TYPE_CHECKING:
    from .operation import Operation


class Path:
    """One path of the contract with an operation for each of its methods."""

    def __init__(self, template: str) -> None:
        self.template = template
        self.operations: dict[str, Operation] = {}
        segments = template.encode().split(b"/")
        self.segments = tuple(None if segment.startswith(b"{") else segment for segment in segments)
        self._fixed = [(place, one) for place, one in enumerate(self.segments) if one is not None]
        self._open = [place for place, one in enumerate(self.segments) if one is None]
        self.names = tuple(segment[1:-1].decode() for segment in segments if segment.startswith(b"{"))
        self._allow = ""

    def add(self, method: str, operation: "Operation") -> None:
        """Serves `method` by `operation`, and HEAD by what serves GET."""
        self.operations[method] = operation
        if method == "GET":
            self.operations.setdefault("HEAD", operation)
        self._allow = ", ".join(sorted(self.operations))

    def operation(self, method: str) -> "Operation":
        operation = self.operations.get(method)
        if operation is None:
            raise refusals.method_not_allowed(self._allow)
        return operation

    def values(self, segments: list[bytes]) -> tuple[bytes, ...] | None:
        """The segments that stand for parameters, or None if this is another path. No parameter is empty."""
        for place, expected in self._fixed:
            if segments[place] != expected:
                return None
        values = tuple([segments[place] for place in self._open])
        return None if b"" in values else values


class RouteTable:
    """Finds the path that a request means. Fixed segments win over parameters, from left to right."""

    def __init__(self) -> None:
        self._paths: dict[str, Path] = {}
        self._fixed: dict[bytes, Path] = {}
        self._by_shape: dict[tuple[int, bytes], list[Path]] = {}

    def add(self, method: str, template: str, operation: "Operation") -> None:
        path = self._paths.get(template)
        if path is None:
            path = self._paths[template] = Path(template)
            self._index(path)
        path.add(method.upper(), operation)

    def _index(self, path: Path) -> None:
        if not path.names:
            self._fixed[path.template.encode()] = path
        first = path.segments[1]
        if first is None:
            raise ValueError(f"{path.template}: the first segment of a path must be fixed")
        alike = self._by_shape.setdefault((len(path.segments), first), [])
        alike.append(path)
        alike.sort(key=lambda one: tuple(segment is None for segment in one.segments))

    def find(self, raw_path: bytes) -> tuple[Path, tuple[bytes, ...]]:
        """The path and the raw values of its parameters. Raises a Problem 404."""
        path = self._fixed.get(raw_path)
        if path is not None:
            return path, ()
        segments = raw_path.split(b"/")
        if b"%" in raw_path:
            # Decoding comes after splitting: an encoded slash belongs to its segment.
            segments = [unquote_to_bytes(segment) for segment in segments]
        if len(segments) > 1:
            for path in self._by_shape.get((len(segments), segments[1]), ()):
                values = path.values(segments)
                if values is not None:
                    return path, values
        raise refusals.not_found()

    def operations(self) -> Iterator[tuple[str, str]]:
        """All (method, path template) pairs that answer, HEAD included."""
        for path in self._paths.values():
            for method in path.operations:
                yield method, path.template

    def paths(self) -> Mapping[str, Path]:
        return self._paths
