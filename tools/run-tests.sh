#!/bin/sh
# Runs the test binaries beside this file, each in its package's folder, and prints what failed. tools/cross-tests.sh
# makes the folder. Tests that need the go command or a library in C step aside without them.
cd "$(dirname "$0")" || exit 2
here=$(pwd)
failed=0
for binary in $(find . -name tests -type f | sort); do
	folder=$(dirname "$binary")
	if (cd "$folder" && ./tests -test.timeout 30m "$@" >"$here/log" 2>&1); then
		echo "ok    $folder"
	else
		failed=$((failed + 1))
		mv "$here/log" "$folder/log"
		echo "FAIL  $folder (see $folder/log)"
	fi
done
uname -srm
[ "$failed" = 0 ]
