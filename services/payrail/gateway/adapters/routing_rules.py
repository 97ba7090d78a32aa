"""The routing rules in a YAML file: read with every place remembered, so that a fault is told with line and column."""

import logging
import os
from collections.abc import Collection, Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from payrail.gateway.domain.routing import Condition, Cost, RoutingRules, Rule, RulesFault, RulesInForce
from payrail.ledger.money import UnknownCurrency, exponent
from payrail.runtime.clock import Clock, rfc3339

PACKAGED = "packaged"
_CHECK_INTERVAL_S = 0.05
_FILE_BYTES_MAX = 1 << 20
_DIGEST_LENGTH = 16

logger = logging.getLogger(__name__)


class RoutingRulesInvalid(Exception):
    """The rules cannot be taken. The message is one line with the file's name and the place; both count from 1."""

    def __init__(self, name: str, message: str, line: int = 0, column: int = 0) -> None:
        place = f", line {line}, column {column}" if line else ""
        super().__init__(f"{name}{place}: {message}")
        self.message = message
        self.line = line
        self.column = column


class RoutingRulesFile:
    """The rules in force: those of a file, read again when it changes, or those that come with PayRail."""

    def __init__(self, path: Path | None, clock: Clock, *, providers: Collection[str]) -> None:
        """Read the rules. Raises `RoutingRulesInvalid`: a gateway does not start with rules that it cannot read."""
        self._path = path
        self._clock = clock
        self._providers = frozenset(providers)
        self._seen = _identity(path)
        self._look_again_s = clock.monotonic() + _CHECK_INTERVAL_S
        self._in_force = self._read()

    def in_force(self) -> RulesInForce:
        """The last good rules. Looks at the file at most every 50 ms; a fault in it is logged and kept beside them."""
        if self._path is not None and self._clock.monotonic() >= self._look_again_s:
            self._look_again_s = self._clock.monotonic() + _CHECK_INTERVAL_S
            identity = _identity(self._path)
            if identity != self._seen:
                self._seen = identity
                self._reload()
        return self._in_force

    def _reload(self) -> None:
        try:
            self._in_force = self._read()
            logger.info("routing rules %s are in force", self._in_force.rules.digest)
        except RoutingRulesInvalid as invalid:
            before, at = self._in_force, rfc3339(self._clock.now())
            fault = RulesFault(invalid.message, invalid.line, invalid.column, at)
            self._in_force = RulesInForce(before.rules, before.source, before.loaded_at, fault)
            logger.warning("the last good routing rules stay in force: %s", invalid)

    def _read(self) -> RulesInForce:
        if self._path is None:
            name, content = "routing.yaml", files("payrail.gateway").joinpath("routing.yaml").read_bytes()
        else:
            name, content = self._path.name, _content(self._path)
        rules = parse_rules(content, name, self._providers)
        return RulesInForce(rules, PACKAGED if self._path is None else name, rfc3339(self._clock.now()))


def parse_rules(content: bytes, name: str, providers: Collection[str]) -> RoutingRules:
    """The rules that a document says. Raises `RoutingRulesInvalid`; `name` is the file's, for its message."""
    root = _compose(content, name)
    try:
        # All scalars are read as text and typed by the model: YAML takes the country NO for a false.
        document = _Document.model_validate(_plain(root), context=frozenset(providers))
    except ValidationError as error:
        raise _located(error, root, name) from None
    return document.rules_of(sha256(content).hexdigest()[:_DIGEST_LENGTH])


def _identity(path: Path | None) -> tuple[int, int, int] | None:
    if path is None:
        return None
    try:
        stat = os.stat(path)  # noqa: PTH116 - on the way of every authorization
    except OSError:
        return None
    return (stat.st_ino, stat.st_mtime_ns, stat.st_size)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RoutingRulesInvalid(path.name, f"it cannot be read: {error.strerror}") from None
    if len(content) > _FILE_BYTES_MAX:
        raise RoutingRulesInvalid(path.name, "it is larger than 1 MiB")
    return content


# ---- the document ---------------------------------------------------------------------------------------------------


def _known_currency(code: str) -> str:
    try:
        exponent(code)
    except UnknownCurrency:
        raise ValueError("is no currency that PayRail knows") from None
    return code


def _known_provider(name: str, info: ValidationInfo) -> str:
    known: frozenset[str] = info.context or frozenset()
    if name not in known:
        raise ValueError(f"is none of {', '.join(sorted(known))}")
    return name


Provider = Annotated[str, AfterValidator(_known_provider)]
Currency = Annotated[str, AfterValidator(_known_currency)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
CardBin = Annotated[str, Field(pattern=r"^[0-9]{1,6}$")]
Brand = Literal["visa", "mastercard", "amex", "discover", "diners", "jcb", "unionpay", "maestro", "unknown"]
BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
MinorUnits = Annotated[int, Field(ge=0, le=99_999_999_999)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Cost(_Closed):
    basis_points: BasisPoints
    fixed_amount: MinorUnits
    fixed_amount_by_currency: dict[Currency, MinorUnits] = {}
    basis_points_by_brand: dict[Brand, BasisPoints] = {}


class _When(_Closed):
    countries: tuple[Country, ...] = ()
    currencies: tuple[Currency, ...] = ()
    brands: tuple[Brand, ...] = ()
    bins: tuple[CardBin, ...] = ()
    amount_min: MinorUnits | None = None
    amount_max: MinorUnits | None = None

    @model_validator(mode="after")
    def _amounts_make_sense(self) -> Self:
        if self.amount_min is None and self.amount_max is None:
            return self
        if not self.currencies:
            raise ValueError("an amount needs currencies: minor units differ")
        if self.amount_min is not None and self.amount_max is not None and self.amount_min > self.amount_max:
            raise ValueError("amount_min is above amount_max")
        return self


class _Rule(_Closed):
    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
    when: _When = _When()
    order: tuple[Provider, ...] = ()
    prefer: tuple[Provider, ...] = ()
    exclude: tuple[Provider, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.order and self.prefer:
            raise ValueError("a rule has either order or prefer")
        if not (self.order or self.prefer or self.exclude):
            raise ValueError("a rule needs order, prefer or exclude")
        for named in (self.order, self.prefer, self.exclude):
            if len(set(named)) != len(named):
                raise ValueError("a provider is named twice")
        return self

    def rule(self) -> Rule:
        return Rule(self.name, Condition(**self.when.model_dump()), self.order, self.prefer, self.exclude)


class _Document(_Closed):
    version: Literal["1"]
    costs: Annotated[dict[Provider, _Cost], Field(min_length=1)]
    rules: tuple[_Rule, ...] = ()

    @model_validator(mode="after")
    def _names_what_there_is(self) -> Self:
        names = [rule.name for rule in self.rules]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two rules are called {twice}")
        for rule in self.rules:
            for provider in (*rule.order, *rule.prefer, *rule.exclude):
                if provider not in self.costs:
                    raise ValueError(f"rule {rule.name} names {provider}, which has no costs")
        return self

    def rules_of(self, digest: str) -> RoutingRules:
        costs = {provider: Cost(**cost.model_dump()) for provider, cost in self.costs.items()}
        return RoutingRules(costs, tuple(rule.rule() for rule in self.rules), digest)


# ---- YAML, with its places ------------------------------------------------------------------------------------------


def _compose(content: bytes, name: str) -> yaml.Node:
    try:
        root = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        reason = error.problem or "it is no YAML"
        raise RoutingRulesInvalid(name, reason, *_place(mark)) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise RoutingRulesInvalid(name, "it is no YAML in UTF-8") from None
    if root is None:
        raise RoutingRulesInvalid(name, "it is empty", 1, 1)
    _require_a_tree(root, name, set())
    return root


def _require_a_tree(node: yaml.Node, name: str, seen: set[int]) -> None:
    """Refuse what YAML allows and no reader expects: a key twice in one mapping, and nodes used in several places."""
    if id(node) in seen:
        raise RoutingRulesInvalid(name, "an alias is used; write it out", *_place(node.start_mark))
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _require_a_tree(item, name, seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in keys:
                message = (
                    "the key stands here twice"
                    if isinstance(key, yaml.ScalarNode)
                    else "a key must be a word"
                )
                raise RoutingRulesInvalid(name, message, *_place(key.start_mark))
            keys.add(key.value)
            _require_a_tree(value, name, seen)


def _plain(node: yaml.Node) -> Any:
    """The document as texts, lists and dictionaries; an empty value is none."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    return node.value or None


def _located(error: ValidationError, root: yaml.Node, name: str) -> RoutingRulesInvalid:
    """The first fault by its place in the file; what is missing comes last: a misspelt key is missing, too."""
    faults = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        mark = _mark(root, detail["loc"], at_key=detail["type"] == "extra_forbidden")
        faults.append((detail["type"] == "missing", _place(mark), _message(detail["loc"], detail["msg"])))
    _, (line, column), message = min(faults)
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return RoutingRulesInvalid(name, message + more, line, column)


def _message(loc: Sequence[int | str], message: str) -> str:
    where = ".".join(str(part) for part in loc if part != "[key]")
    reason = message.removeprefix("Value error, ")
    return f"{where}: {reason}" if where else reason


def _mark(node: yaml.Node, loc: Sequence[int | str], *, at_key: bool) -> yaml.Mark:
    """Where the value at `loc` stands; where its parent stands if it is missing; where its key stands if asked."""
    mark: yaml.Mark = node.start_mark
    for index, part in enumerate(loc):
        if part == "[key]":
            return mark
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
        elif isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == part), None)
            if found is None:
                return mark
            following = loc[index + 1] if index + 1 < len(loc) else None
            if following == "[key]" or (at_key and following is None):
                key_mark: yaml.Mark = found[0].start_mark
                return key_mark
            node = found[1]
        else:
            return mark
        mark = node.start_mark
    return mark


def _place(mark: yaml.Mark | None) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
