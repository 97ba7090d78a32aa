"""What no file, log line or answer of a stack may hold: card numbers, CVCs and keys."""

from pathlib import Path

from payrail.cli.verification.outbox import StoredSecrets
from payrail.provider_sim.magic_cards import MAGIC_CARDS
from payrail.runtime.settings import SECRET_NAMES, packaged_settings

#: Every CVC that the tests send is this one, which stands nowhere by chance as a JSON string: it begins with 0, as no
#: process id does, and those stand in the metrics.
CVC = "0917"


def forbidden() -> dict[str, bytes]:
    """What may stand nowhere, by a name that may be shown."""
    settings = packaged_settings()
    keys = {name: str(getattr(settings, name.lower())).encode() for name in SECRET_NAMES}
    cards = {f"the card number that ends in {card[-4:]}": card.encode() for card in MAGIC_CARDS}
    return {**keys, **cards, "a CVC": f'"{CVC}"'.encode()}


def find_secrets(data_dir: Path, *texts: str) -> list[str]:
    """Each secret that a file of the directory or one of the texts holds, with its file and line."""
    of_endpoints, all_forbidden = StoredSecrets(data_dir), forbidden()
    sources = [(file, file.read_bytes()) for file in sorted(data_dir.rglob("*")) if file.is_file()]
    sources += [(Path(f"output {number}"), text.encode()) for number, text in enumerate(texts)]
    derived = [
        f"{file}:{number}: a secret of webhook endpoints"
        for file, content in sources
        for number, line in enumerate(content.split(b"\n"), 1)
        if of_endpoints.stands_in(line, file.relative_to(data_dir).as_posix() if file.is_absolute() else "")
    ]
    return derived + [
        f"{file}:{number}: {name}"
        for file, content in sources
        for name, secret in all_forbidden.items()
        if secret in content
        for number, line in enumerate(content.split(b"\n"), 1)
        if secret in line
    ]
