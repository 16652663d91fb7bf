#!/usr/bin/env bash
# port.sh DIR: rewrites the Go programs below DIR, in place, from the API before v0.1.0 to that of
# v0.1.0 (doc/api.md).
# What needs a hand is reported, one line each.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: port.sh DIR" >&2; exit 2; }
dir=$(cd -P "$1" && pwd -P)
cd "$(dirname "$0")/.."
export GOFLAGS= GOWORK=off # those of the program are not for this module
exec go run ./tools/port "$dir"
