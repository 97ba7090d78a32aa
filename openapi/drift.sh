#!/usr/bin/env bash
# Proves that the committed bundles and SDK are what the contracts give: generates them anew into an empty folder and
# compares, so that a file too many is found as well as one that differs.
set -euo pipefail
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
.venv/bin/python openapi/generate.py "$fresh"
drift=0
# Of the contracts' folder only the documents are generated; the SDK's packages are generated whole.
diff -r -x '*.py' -x __pycache__ services/payrail/contracts "$fresh/services/payrail/contracts" || drift=1
for made in gateway vault provider_sim ledger_jobs _generated.json; do
  diff -r -x __pycache__ "sdk/payrail_sdk/$made" "$fresh/sdk/payrail_sdk/$made" || drift=1
done
if [ "$drift" -ne 0 ]; then
  echo "The bundles or the SDK are not what the contracts give: run make generate and commit the result." >&2
  exit 1
fi
