#!/bin/sh
# Runs the test binaries beside this file, each in the folder of its package, and prints which ones
# failed. tools/cross-tests.sh makes the folder. Tests skip themselves if they need the go command
# or a C library that is missing.
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
