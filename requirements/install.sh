#!/usr/bin/env bash
# Makes .venv: the pinned and hashed packages, then both distributions in editable form. Prints one line when it works.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "PayRail needs Python 3.11 or newer; '$python' is older. Set PYTHON to a newer one." >&2; exit 1; }
echo "Setting up .venv (the first time takes some seconds) …"
[ -x .venv/bin/python ] || "$python" -m venv .venv
[ -x .venv/bin/uv ] || .venv/bin/python -m pip --quiet --disable-pip-version-check --timeout 60 --retries 3 install uv
uv=.venv/bin/uv
# The certificates of the system, as pip and every other client here uses them.
export VIRTUAL_ENV=$PWD/.venv UV_HTTP_TIMEOUT=60 UV_SYSTEM_CERTS=1
$uv pip sync --quiet --require-hashes --compile-bytecode requirements/dev.txt
$uv pip install --quiet --no-deps --no-build-isolation --offline -e sdk -e .
# Bytecode of our own packages too: without it a start compiles some hundred generated modules.
env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m compileall -q services/payrail sdk/payrail_sdk
