"""Every setting of every service, from the environment, then the ``.env`` of the current directory, then the
development values that ship with the package.

A setting's attribute is its name in lower case: ``GATEWAY_PORT`` is ``settings.gateway_port``.
"""

import base64
import binascii
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

DEVELOPMENT_FILE = Path(__file__).with_name("development.env")
DEVELOPMENT_MARKERS = ("dev_", "sk_dev_", "whsec_ZGV2X")  # The last one is "dev_" inside base64.

SECRET_NAMES = (
    "CONSOLE_API_KEY",
    "MERCHANT_API_KEY",
    "INTERNAL_API_KEY_GATEWAY",
    "INTERNAL_API_KEY_JOBS",
    "INTERNAL_API_KEY_SEED",
    "PROVIDER_A_WEBHOOK_SECRET",
    "PROVIDER_B_WEBHOOK_SECRET",
    "MERCHANT_WEBHOOK_SECRET",
    "SESSION_SECRET",
)
KEYS_THAT_NAME_A_CALLER = SECRET_NAMES[:5]
PORT_NAMES = ("GATEWAY_PORT", "VAULT_PORT", "PROVIDER_SIM_PORT", "LEDGER_JOBS_PORT", "CONSOLE_PORT")
WEBHOOK_KEY_BYTES = range(24, 65)  # The lengths that Standard Webhooks allows.


class SettingsRefused(Exception):
    """The settings cannot be used; the message is one line that names them and holds no secret."""


def _is_visible_ascii(value: str) -> str:
    if not all("!" <= character <= "~" for character in value):
        raise ValueError("must be visible ASCII without blanks")
    return value


def _is_webhook_secret(value: str) -> str:
    try:
        key = base64.b64decode(value.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not value.startswith("whsec_") or len(key) not in WEBHOOK_KEY_BYTES:
        raise ValueError("must be whsec_ and 24 to 64 bytes in base64")
    return value


def _are_webhook_secrets(value: str) -> str:
    """One, or several separated by blanks while one is being changed: any of them verifies, all of them sign."""
    if not value.split():
        raise ValueError("must be whsec_ and 24 to 64 bytes in base64")
    return " ".join(_is_webhook_secret(one) for one in value.split())


def _names_a_path(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():
        raise ValueError("must name a path")
    return value


def reachable(bind_host: str) -> str:
    """The host part of a URL by which this machine reaches what is bound to an address."""
    loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
    host = loopback.get(bind_host, bind_host)
    return f"[{host}]" if ":" in host else host


Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=31_536_000, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Key = Annotated[str, Field(min_length=16, max_length=255, repr=False), AfterValidator(_is_visible_ascii)]
WebhookSecret = Annotated[str, Field(repr=False), AfterValidator(_is_webhook_secret)]
WebhookSecrets = Annotated[str, Field(repr=False), AfterValidator(_are_webhook_secrets)]
NamedPath = Annotated[Path, BeforeValidator(_names_a_path)]
Url = Annotated[str, Field(pattern=r"^(https?://[^\s/?#]+[^\s?#]*)?$", max_length=2048)]


class Settings(BaseSettings):
    """The settings of one process. `load_settings` makes it; its errors are meant for people."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True)

    payrail_env: Literal["development", "production"] = "development"
    payrail_data_dir: NamedPath = Path("data")
    bind_host: str = "127.0.0.1"
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] = 42

    gateway_port: Port = 8026
    vault_port: Port = 8027
    provider_sim_port: Port = 8028
    ledger_jobs_port: Port = 8029
    console_port: Port = 3026

    gateway_url: Url = ""
    vault_url: Url = ""
    provider_sim_url: Url = ""
    ledger_jobs_url: Url = ""

    merchant_api_key: Key
    console_api_key: Key
    session_secret: Key
    internal_api_key_gateway: Key
    internal_api_key_jobs: Key
    internal_api_key_seed: Key
    provider_a_webhook_secret: WebhookSecrets
    provider_b_webhook_secret: WebhookSecrets
    merchant_webhook_secret: WebhookSecret
    merchant_webhook_url: Url = ""

    outbox_interval_s: Seconds = 5
    outbox_timeout_s: Seconds = 10
    settlement_interval_s: Seconds = 3600
    reconciliation_interval_s: Seconds = 3600
    reconciliation_tolerance_days: Annotated[int, Field(ge=0, le=30)] = 1
    resolver_interval_s: Seconds = 5
    provider_webhook_interval_s: Seconds = 0.5
    provider_timeout_s: Seconds = 10
    breaker_failure_threshold: Count = 5
    breaker_open_s: Seconds = 30
    breaker_half_open_probes: Count = 2
    routing_rules: NamedPath | None = None
    metrics_interval_s: Seconds = 10
    log_bytes_max: Annotated[int, Field(ge=1000, le=1 << 40)] = 10_000_000
    log_files_kept: Annotated[int, Field(ge=1, le=1000)] = 3

    @property
    def is_production(self) -> bool:
        return self.payrail_env == "production"

    @field_validator("gateway_url", "vault_url", "provider_sim_url", "ledger_jobs_url")
    @classmethod
    def _without_trailing_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @model_validator(mode="before")
    @classmethod
    def _urls_from_ports(cls, values: dict[str, Any]) -> dict[str, Any]:
        """A service is at its port, on the address that all bind, unless its URL says otherwise."""
        filled = dict(values)
        bound = str(values.get("bind_host") or cls.model_fields["bind_host"].default)
        host = reachable(bound)
        for service in ("gateway", "vault", "provider_sim", "ledger_jobs"):
            port = values.get(f"{service}_port", cls.model_fields[f"{service}_port"].default)
            filled[f"{service}_url"] = values.get(f"{service}_url") or f"http://{host}:{port}"
        return filled

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        """Two services cannot share a port, nor two callers a key: nobody could tell who calls."""
        for names in (PORT_NAMES, KEYS_THAT_NAME_A_CALLER):
            first_with: dict[Any, str] = {}
            for name in names:
                other = first_with.setdefault(getattr(self, name.lower()), name)
                if other != name:
                    raise ValueError(f"{other} and {name} must differ")
        return self


def load_settings(*, env_file: Path | None = None, **overrides: Any) -> Settings:
    """The settings in force; `SettingsRefused` says in one line what is wrong with them.

    ``env_file`` takes the place of ``.env`` in the current directory; ``overrides`` win over everything, by
    attribute name. In production a setting that still has a development value is refused.
    """
    files = (DEVELOPMENT_FILE, env_file or Path(".env"))
    try:
        sources: dict[str, Any] = {"_env_file": files, "_env_file_encoding": "utf-8"}
        settings = Settings(**sources, **overrides)
    except ValidationError as error:
        raise SettingsRefused(_one_line(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsRefused(f"{files[1]} cannot be read: {error}") from None
    if settings.is_production and (unsafe := development_values(settings)):
        raise SettingsRefused(
            f"PAYRAIL_ENV=production, but these settings have development values: {', '.join(unsafe)}"
        )
    return settings


class _Packaged(Settings):
    """The settings of a stack that nothing around it may change."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, env_settings, file_secret_settings
        return init_settings, dotenv_settings


def packaged_settings(**overrides: Any) -> Settings:
    """The development values that ship with the package, and `overrides`: the same wherever and by whomever it is
    asked, since neither the environment nor a ``.env`` has a say. Raises `SettingsRefused`."""
    if unknown := sorted(set(overrides) - set(Settings.model_fields)):
        raise SettingsRefused(f"there is no setting {', '.join(unknown)}")
    sources: dict[str, Any] = {"_env_file": DEVELOPMENT_FILE, "_env_file_encoding": "utf-8"}
    try:
        return _Packaged(**sources, **overrides)
    except ValidationError as error:
        raise SettingsRefused(_one_line(error)) from None


def development_values(settings: Settings) -> list[str]:
    """The names of the keys and secrets that have a value made for development, known to everybody."""
    return [
        name
        for name in SECRET_NAMES
        if any(one.startswith(DEVELOPMENT_MARKERS) for one in str(getattr(settings, name.lower())).split())
    ]


def _one_line(error: ValidationError) -> str:
    """Each wrong setting by its name and reason, never with its value: it may be a secret."""
    reasons = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        name = ".".join(str(part) for part in detail["loc"]).upper()
        reason = detail["msg"].removeprefix("Value error, ")
        reasons.append(f"{name}: {reason}" if name else reason)
    return "; ".join(reasons)
