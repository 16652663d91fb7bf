#!/usr/bin/env bash
# Builds the test binaries of all packages for the systems with a kqueue, without cgo. On such a
# machine, run sh run-tests.sh in OUTDIR. Its arguments go to each binary (-test.run X, -long …).
#
#	tools/cross-tests.sh OUTDIR [SYSTEM/PROCESSOR ...]   default: five systems on amd64, darwin on arm64 too
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."
if [ $# = 0 ]; then
	set -- freebsd/amd64 netbsd/amd64 openbsd/amd64 dragonfly/amd64 darwin/amd64 darwin/arm64
fi
module=$(go list -m)
for target; do
	export GOOS=${target%/*} GOARCH=${target#*/} CGO_ENABLED=0
	folder=$out/$GOOS-$GOARCH
	mkdir -p "$folder"
	for package in $(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...); do
		path=${package#"$module"}
		path=${path#/}
		mkdir -p "$folder/$path"
		go test -c -ldflags="-s -w" -o "$folder/$path/tests" "$package"
		if [ -d "$path/testdata" ]; then cp -R "$path/testdata" "$folder/$path/"; fi
	done
	cp tools/run-tests.sh "$folder/"
	echo "$folder: $(find "$folder" -name tests -type f | wc -l) packages"
done
