#!/usr/bin/env bash
# Pins and hashes every dependency of the two distributions. The files hold no index address.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() {
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
    --custom-compile-command "make requirements" --no-emit-package payrail-sdk "$@"
}
compile pyproject.toml sdk/pyproject.toml -o requirements/run.txt
compile pyproject.toml sdk/pyproject.toml --group dev -o requirements/dev.txt
