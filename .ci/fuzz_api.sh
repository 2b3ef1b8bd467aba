#!/usr/bin/env bash
# Checks the API against its contract: schemathesis reads the OpenAPI text of the running API, and sends requests that the
# text allows and requests that it forbids. Fails on an answer of 5xx, on a status that the text does not name, and on an
# answer that does not match its schema. The time is limited.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

schemathesis=${1:?usage: fuzz_api.sh SCHEMATHESIS [SECONDS [STEVEDORE]]}
seconds=${2:-100}
stevedore=${3:-}
# A token for this run only.
token="fuzz-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
folder=$(mktemp -d)
if [ -z "$stevedore" ]; then
  cargo build --quiet -p stevedore-local
  stevedore=target/debug/stevedore
fi
port=18797
"$stevedore" --port "$port" --data "$folder" --fresh --no-schedule --rate-limit off --orders-count 30 --token "$token" >"$folder/out" 2>&1 &
stack=$!
trap 'kill "$stack" 2>/dev/null || true; wait "$stack" 2>/dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 120); do
  # The set-up writes the settings last.
  if grep -q 'settings written' "$folder/out"; then break; fi
  kill -0 "$stack" || { cat "$folder/out"; exit 1; }
  sleep 0.5
done

# Excluded checks:
# - positive_data_acceptance: the text cannot state that an account in a body must exist, or that a date must be within a year.
# - missing_required_header: a write without If-Match is answered 428 (RFC 6585), which the check does not know.
# One worker: hypothesis reads its own source, and Python before 3.11.8 cannot parse in two threads at once (SystemError,
# CPython's gh-106905).
"$schemathesis" run "http://127.0.0.1:$port/v1/openapi.json" -H "Authorization: Bearer $token" \
  --checks all --exclude-checks positive_data_acceptance,missing_required_header --mode all --max-time "$seconds" -n 25 --workers 1 \
  --generation-deterministic --suppress-health-check all --continue-on-failure --warnings off --no-color
