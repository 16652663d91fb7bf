#!/usr/bin/env bash
# port.sh DIR changes the Go programs below DIR, in place. The programs use the API before v0.1.0.
# Afterwards they use the API of v0.1.0 (doc/api.md). For each place that must be changed by hand,
# port.sh prints one line.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: port.sh DIR" >&2; exit 2; }
dir=$(cd -P "$1" && pwd -P)
cd "$(dirname "$0")/.."
export GOFLAGS= GOWORK=off # the program's settings are not meant for this module
exec go run ./tools/port "$dir"
