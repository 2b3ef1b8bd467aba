#!/usr/bin/env bash
# The contract from outside: schemathesis reads the running API's own OpenAPI text and sends what the text allows and what it forbids. Fails on an answer
# of 5xx, on one that the text does not name, and on one that does not look as the text says. Bounded in time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

schemathesis=${1:?usage: fuzz_api.sh SCHEMATHESIS [SECONDS [STEVEDORE]]}
seconds=${2:-100}
stevedore=${3:-}
# Of this run alone; it lets nobody into anything else.
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
  # Set-up writes the settings last.
  if grep -q 'settings written' "$folder/out"; then break; fi
  kill -0 "$stack" || { cat "$folder/out"; exit 1; }
  sleep 0.5
done

# positive_data_acceptance: the text cannot say that an account named in a body must exist, or that a date lies within a year.
# missing_required_header: a write without If-Match is answered 428 (RFC 6585), which the check does not know.
# One worker: hypothesis reads its own source, and Python before 3.11.8 may not parse in two threads at once (SystemError, CPython's gh-106905).
"$schemathesis" run "http://127.0.0.1:$port/v1/openapi.json" -H "Authorization: Bearer $token" \
  --checks all --exclude-checks positive_data_acceptance,missing_required_header --mode all --max-time "$seconds" -n 25 --workers 1 \
  --generation-deterministic --suppress-health-check all --continue-on-failure --warnings off --no-color
