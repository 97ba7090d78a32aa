"""What the generated packages were made of, as recorded with them."""

import json
from importlib.resources import files
from typing import Any

_record: dict[str, Any] = json.loads(files("payrail_sdk").joinpath("_generated.json").read_bytes())

GENERATOR: str = f"{_record['generator']} {_record['generator_version']}"
CONTRACT_VERSIONS: dict[str, str] = {
    service: contract["version"] for service, contract in _record["contracts"].items()
}
