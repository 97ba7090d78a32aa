"""Settings come from the environment, then .env, then the package; what cannot be used is refused in one
line."""

import base64
from pathlib import Path
from typing import Any

import pytest

from payrail.runtime.settings import (
    DEVELOPMENT_FILE,
    SECRET_NAMES,
    Settings,
    SettingsRefused,
    development_values,
    load_settings,
    packaged_settings,
)

ROOT = Path(__file__).parents[2]
SAFE_SECRETS: dict[str, Any] = {
    name.lower(): (
        "whsec_" + base64.b64encode(name.rjust(32, "x").encode()).decode()
        if "WEBHOOK" in name
        else f"{name.lower()}-7d1f0c55a9"
    )
    for name in SECRET_NAMES
}


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No .env of the checkout takes part."""
    monkeypatch.chdir(tmp_path)


def refusal(**overrides: Any) -> str:
    with pytest.raises(SettingsRefused) as refused:
        load_settings(**overrides)
    return str(refused.value)


def test_an_installed_package_without_any_file_starts_with_development_values() -> None:
    settings = load_settings()
    assert (
        settings.gateway_port,
        settings.vault_port,
        settings.provider_sim_port,
        settings.ledger_jobs_port,
    ) == (
        8026,
        8027,
        8028,
        8029,
    )
    assert (settings.console_port, settings.seed, settings.bind_host) == (3026, 42, "127.0.0.1")
    assert (settings.payrail_env, settings.payrail_data_dir) == ("development", Path("data"))
    assert settings.merchant_api_key == "sk_dev_demo_operator"
    assert settings.vault_url == "http://127.0.0.1:8027"
    assert development_values(settings) == list(SECRET_NAMES)


def test_the_committed_env_file_is_the_packaged_one() -> None:
    assert (ROOT / ".env").read_bytes() == DEVELOPMENT_FILE.read_bytes()


def test_every_setting_is_in_the_development_file_and_the_other_way_round() -> None:
    lines = [
        line for line in DEVELOPMENT_FILE.read_text("utf-8").splitlines() if line and not line.startswith("#")
    ]
    assert {line.partition("=")[0].lower() for line in lines} == set(Settings.model_fields)


def test_the_environment_wins_over_the_file_and_the_file_over_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("VAULT_PORT=9001\nSEED=7\n")
    monkeypatch.setenv("VAULT_PORT", "9002")
    settings = load_settings()
    assert (settings.vault_port, settings.seed, settings.gateway_port) == (9002, 7, 8026)
    assert settings.vault_url == "http://127.0.0.1:9002"


def test_an_empty_variable_counts_as_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEED", "")
    monkeypatch.setenv("PAYRAIL_DATA_DIR", "")
    assert (load_settings().seed, load_settings().payrail_data_dir) == (42, Path("data"))
    (tmp_path / ".env").write_text("SEED=\nPAYRAIL_DATA_DIR=\n")
    assert (load_settings().seed, load_settings().payrail_data_dir) == (42, Path("data"))
    (tmp_path / ".env").write_text("PAYRAIL_DATA_DIR=elsewhere\n")
    assert load_settings().payrail_data_dir == Path("elsewhere")


@pytest.mark.parametrize("name", ["PAYRAIL_DATA_DIR", "ROUTING_RULES"])
def test_a_blank_path_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "  ")
    assert refusal() == f"{name}: must name a path"


def test_a_service_url_takes_the_place_of_its_port() -> None:
    assert load_settings(vault_url="http://vault:8027/").vault_url == "http://vault:8027"


def test_production_refuses_development_values_and_names_them() -> None:
    message = refusal(payrail_env="production")
    assert "\n" not in message
    assert all(name in message for name in SECRET_NAMES)


def test_production_names_only_what_is_still_unsafe() -> None:
    assert load_settings(payrail_env="production", **SAFE_SECRETS).is_production
    left = {name: value for name, value in SAFE_SECRETS.items() if name != "session_secret"}
    assert refusal(payrail_env="production", **left).endswith(": SESSION_SECRET")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gateway_port", "abc"),
        ("gateway_port", "0"),
        ("vault_port", "65536"),
        ("payrail_env", "prod"),
        ("seed", "-1"),
        ("outbox_interval_s", "0"),
        ("provider_timeout_s", "nan"),
        ("breaker_failure_threshold", "1.5"),
        ("vault_url", "vault:8027"),
        ("merchant_api_key", "short"),
        ("console_api_key", "contains a blank in it"),
        ("provider_a_webhook_secret", "whsec_!!!"),
        ("merchant_webhook_secret", "whsec_c2hvcnQ="),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_in_one_line_without_the_value(name: str, value: str) -> None:
    message = refusal(**{name: value})
    assert message.startswith(f"{name.upper()}: ")
    assert "\n" not in message
    assert len(value) < 9 or value not in message


def test_all_wrong_settings_are_named_at_once() -> None:
    message = refusal(gateway_port="x", vault_port="y")
    assert "GATEWAY_PORT: " in message
    assert "VAULT_PORT: " in message


def test_two_services_cannot_share_a_port_nor_two_callers_a_key() -> None:
    assert refusal(vault_port=8026) == "GATEWAY_PORT and VAULT_PORT must differ"
    key = load_settings().internal_api_key_gateway
    assert (
        refusal(internal_api_key_seed=key) == "INTERNAL_API_KEY_GATEWAY and INTERNAL_API_KEY_SEED must differ"
    )


def test_an_unreadable_env_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SEED=\xff\xfe")
    assert refusal().startswith(".env cannot be read")


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    settings = load_settings()
    assert not [name for name in SECRET_NAMES if getattr(settings, name.lower()) in repr(settings)]


@pytest.mark.parametrize(
    ("bind_host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8027"),  # noqa: S104 - compared, not bound
        ("::", "http://[::1]:8027"),
        ("::1", "http://[::1]:8027"),
        ("192.0.2.7", "http://192.0.2.7:8027"),
    ],
)
def test_a_service_is_reached_where_it_is_bound(bind_host: str, url: str) -> None:
    assert load_settings(bind_host=bind_host).vault_url == url


def test_packaged_settings_are_the_same_wherever_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("SEED=1\n")
    monkeypatch.setenv("PAYRAIL_ENV", "production")
    monkeypatch.setenv("VAULT_URL", "http://vault.example.com")
    settings = packaged_settings(gateway_port=18026)
    assert (settings.seed, settings.payrail_env) == (42, "development")
    assert (settings.gateway_url, settings.vault_url) == ("http://127.0.0.1:18026", "http://127.0.0.1:8027")


@pytest.mark.parametrize("overrides", [{"sed": 7}, {"seed": -1}])
def test_packaged_settings_refuse_what_is_no_setting_and_what_it_cannot_be(overrides: dict[str, int]) -> None:
    with pytest.raises(SettingsRefused, match=next(iter(overrides)).upper() + "|sed"):
        packaged_settings(**overrides)
