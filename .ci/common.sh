# What .ci/run and .ci/long share. They source this file in the root of a clean clone.

# step begins a step, and prints how long the step before it took.
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

# tools installs what the tests need from Debian, and prints the version of Go.
tools() {
	step tools
	need gcc gcc libc6-dev # race detector, scripts' library, C loop of the benchmark
	need python3 python3 # for the conformance scripts
	need nc netcat-openbsd
	need socat socat
	need curl curl
	need openssl openssl
	need strace strace # for the regression guard, which counts system calls
	[ -x /usr/sbin/haproxy ] || need haproxy haproxy
	need redis-cli redis-tools
	need wrk wrk
	need qemu-aarch64 qemu-user # for other processors
	if ((${#missing[@]})); then
		local sudo=
		if [ "$(id -u)" != 0 ]; then sudo=sudo; fi
		local install=($sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}")
		"${install[@]}" || { $sudo apt-get update -q; "${install[@]}"; }
	fi
	go version
}

# A process with the race detector sleeps for a second when it ends. Tests start many processes.
export GORACE=atexit_sleep_ms=20

# The packages whose mutants are tried.
mutated=timeout+poller+internal/desc+reactor+socket+select+internal/secure+netconn+sim

# failed prints from a log of go test -v what the failed tests printed, and what belongs to no test:
# panics, races and errors of the compiler. Tests that run in parallel print between each other. If
# the process ended, the test that printed last is shown too, and the first lines of the stacks.
failed() {
	awk '
		function flush() {
			for (i = 1; i <= n; i++) print verdict[i] "\n" said[name[i]]
			forget()
		}
		function forget() { n = 0; split("", said); test = ""; stacks = 0 }
		/^=== (RUN|CONT|NAME|PAUSE)/ { test = $3; next }
		/^ *--- (PASS|SKIP)/ { next }
		/^ *--- FAIL/ { name[++n] = $3; verdict[n] = $0; next }
		/^FAIL\t/ { if (n == 0 && test != "") printf "%s", said[test]; flush(); print; next }
		/^(ok  |\?   )\t/ { forget(); next }
		/^(panic: |fatal error: )/ { printf "%s", said[test]; said[test] = ""; test = ""; stacks = 40 }
		/^(WARNING: DATA RACE|# )/ { test = "" }
		test == "" && stacks != 1 { print; if (stacks > 1) stacks--; next }
		{ said[test] = said[test] $0 "\n" }
		END { flush() }
	' "$1"
}

# quietly runs go test -v with the arguments. It prints one line for each package. If a test fails,
# it prints the whole output, and at the end the failed tests alone. A skipped test counts as a
# failure, because tools has installed what the tests need. MAY_SKIP has the names of the
# exceptions. Tests that only run with -long pass without it, so they are not skipped. quietly does
# not vet, because .ci/run has already done so.
quietly() {
	local log=$scratch/log
	if ! go test -vet=off -v "$@" >"$log" 2>&1; then
		printf '%s\n' 'the whole log:'
		cat "$log"
		# Last, because some systems only keep the end of what a run prints.
		printf '\n%s\n' 'what failed:'
		failed "$log" | tail -n 120
		grep -E '^ *--- FAIL|^FAIL' "$log" || true
		fail "go test $*"
	fi
	grep -E '^ok' "$log"
	local skipped
	skipped=$(awk -v may="${MAY_SKIP:-^\$}" '/^ *--- SKIP/ && $0 !~ may { print reason; print } { reason = $0 }' "$log")
	[ -z "$skipped" ] || fail "skipped: $skipped"
	echo "$(grep -c 'only with -long' "$log" || true) tests are only with -long"
}

# on runs a check for another system. The programs that it compiles for this system are never run,
# so they need not be fast.
on() { GOOS=${1%/*} GOARCH=${1#*/} GOFLAGS="'-gcflags=all=-N -l'" "${@:2}"; }

# staticcheck is built once, for the system of this machine.
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
