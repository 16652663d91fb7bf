#!/usr/bin/env bash
# port.sh DIR: rewrites the Go programs below DIR, in place, from the API before v0.1.0 to that of v0.1.0 (doc/api.md).
# What needs a hand is reported, one line each.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: port.sh DIR" >&2; exit 2; }
dir=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
exec go run ./tools/port "$dir"
