package conformance

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/tests/conformance/internal/lib"
)

// The ports of a script are BASE + n. A script also uses the next ports, as P + 1, or as P + i
// with i in range(4).
var (
	base  = regexp.MustCompile(`\bBASE \+ (\d+)`)
	next  = regexp.MustCompile(`\bP \+ (\d+)`)
	loops = regexp.MustCompile(`\bP \+ i\b.*? in range\((\d+)\)`)
)

// No port belongs to two scripts. Otherwise they would disturb each other, because scripts run in
// parallel. The test reads the numbers from the scripts' texts.
func TestEachScriptHasItsOwnPorts(t *testing.T) {
	scripts, err := filepath.Glob("scripts/*.py")
	if err != nil || len(scripts) < 100 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	owner := map[int]string{}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		ports := numbers(text, base)
		after := numbers(text, next)
		for _, n := range numbers(text, loops) {
			after = append(after, n-1)
		}
		for _, n := range after {
			ports = append(ports, between(numbers(text, base)[0], n)...)
		}
		for _, port := range ports {
			if o := owner[port]; o != "" && o != script {
				t.Errorf("port %d belongs to %s and to %s", port, o, script)
			}
			owner[port] = script
			if port >= lib.PortsEach-1 {
				t.Errorf("%s: port %d is not below %d, which lib.Ports holds", script, port, lib.PortsEach-1)
			}
		}
	}
	if len(owner) < 100 {
		t.Errorf("only %d ports found", len(owner))
	}
}

// Ports returns ports of which none is in use, as long as there are such ports. Listeners use about
// half of the ranges.
func TestPortsAreNotInUse(t *testing.T) {
	if !longtest.Default(t, "reads the system's list of connections, which may be long") {
		return
	}
	var mine []int
	for port := 10500; port < 32000; port += 2 * lib.PortsEach {
		if l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port)); err == nil {
			defer l.Close()
			mine = append(mine, port)
		}
	}
	for range longtest.Count(5, 5, 20) {
		before := lib.Free()
		first := lib.Ports()
		for _, port := range mine {
			if port < first || port >= first+lib.PortsEach {
				continue
			}
			// Other processes may use the other ranges.
			free := slices.DeleteFunc(lib.Free(), func(other int) bool { return !slices.Contains(before, other) })
			if len(free) > 0 {
				t.Fatalf("the ports from %d on, although a listener has %d, and those from %d on are free", first, port, free[0])
			}
		}
	}
}

// numbers returns the number in each match of the pattern.
func numbers(text []byte, pattern *regexp.Regexp) (all []int) {
	for _, match := range pattern.FindAllSubmatch(text, -1) {
		n, _ := strconv.Atoi(string(match[1])) // the pattern only matches digits
		all = append(all, n)
	}
	return all
}

// between returns the n ports after the first.
func between(first, n int) (ports []int) {
	for i := range n {
		ports = append(ports, first+i+1)
	}
	return ports
}
