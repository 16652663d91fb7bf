# What .ci/run and .ci/long share. It is sourced from the root of a clean clone.

# step begins a step, and notes how long the one before took.
steps=() current='' since=0
step() {
	[ -z "$current" ] || steps+=("$(printf '%5d s  %s' $((SECONDS - since)) "$current")")
	current=$* since=$SECONDS
	printf '\n== %s (%d s)\n' "$*" "$SECONDS"
}
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
before=$(git status --porcelain)

# need notes the packages of a command that is missing.
missing=()
need() { command -v "$1" >/dev/null || missing+=("${@:2}"); }

# tools installs what the tests need from Debian, and says what go is.
tools() {
	step tools
	need gcc gcc libc6-dev # go test -race, the library of the conformance scripts, the C loop of the benchmark
	need python3 python3 # the conformance scripts
	need nc netcat-openbsd
	need socat socat
	need curl curl
	need openssl openssl
	need strace strace # the regression guard counts system calls
	[ -x /usr/sbin/haproxy ] || need haproxy haproxy
	need redis-cli redis-tools
	need wrk wrk
	need qemu-aarch64 qemu-user # other processors
	if ((${#missing[@]})); then
		local sudo=
		if [ "$(id -u)" != 0 ]; then sudo=sudo; fi
		local install=($sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}")
		"${install[@]}" || { $sudo apt-get update -q; "${install[@]}"; }
	fi
	go version
}

# quietly runs go test -v with the arguments and prints a line for each package, or all of what failed. A skipped
# test is a failure, for tools has installed what it needs, unless its name is in MAY_SKIP. Tests that are
# for -long only are not skipped: they pass. It does not vet, for .ci/run has done so.
quietly() {
	local log=$scratch/log
	if ! go test -vet=off -v "$@" >"$log" 2>&1; then
		grep -E '^(FAIL|ok|panic|---? FAIL)' "$log" || true
		printf '\n%s\n' 'the whole log:'
		cat "$log"
		fail "go test $*"
	fi
	grep -E '^ok' "$log"
	local skipped
	skipped=$(awk -v may="${MAY_SKIP:-^\$}" '/^ *--- SKIP/ && $0 !~ may { print reason; print } { reason = $0 }' "$log")
	[ -z "$skipped" ] || fail "skipped: $skipped"
	echo "$(grep -c 'only with -long' "$log" || true) tests are only with -long"
}

# on runs a check for another system. What it compiles for that is never run, so it need not be fast.
on() { GOOS=${1%/*} GOARCH=${1#*/} GOFLAGS="'-gcflags=all=-N -l'" "${@:2}"; }

# staticcheck is built once, for this system.
staticcheck() {
	[ -x "$scratch/staticcheck" ] || GOOS= GOARCH= GOFLAGS= GOBIN=$scratch go install honnef.co/go/tools/cmd/staticcheck@v0.7.0
	"$scratch/staticcheck" "$@"
}

# clean checks that no step has left files behind.
clean() {
	[ "$before" = "$(git status --porcelain)" ] || { git status --short; fail 'a step has left files behind or changed some'; }
	step 'all is well'
	printf '%s\n' "${steps[@]}"
}
