//go:build linux

package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

var compare = flag.Bool("compare", false, "measure against redis-server with redis-benchmark")

// redis-benchmark sends requests to this server with one loop, to this server with two loops, and
// to redis-server, in turn. The test compares the rate and the processor time for each request. It
// runs only with -compare.
func TestCompareWithRedis(t *testing.T) {
	if !*compare {
		t.Log("a measurement, only with -compare")
		return
	}
	longtest.NeedsGo(t)
	bin := filepath.Join(t.TempDir(), "redis")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	servers := []struct {
		name string
		cmd  *exec.Cmd
		port string
	}{
		{"redis-server", exec.Command("redis-server", "--port", "16391", "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"), "16391"},
		{"ours, 1 loop", exec.Command(bin, "-port", "16392"), "16392"},
		{"ours, 2 loops", exec.Command(bin, "-port", "16393", "-loops", "2"), "16393"},
	}
	for _, s := range servers {
		if err := s.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() }()
	}
	for _, s := range servers {
		for exec.Command("redis-cli", "-p", s.port, "ping").Run() != nil {
			time.Sleep(50 * time.Millisecond)
		}
	}
	const rounds = 5
	rates, costs := map[string][]float64{}, map[string][]float64{}
	for range rounds {
		for _, load := range [][2]string{{"1", "60000"}, {"16", "500000"}} {
			for _, test := range []string{"SET", "GET"} {
				for _, s := range servers {
					key := fmt.Sprintf("%s, pipeline %s, %s", test, load[0], s.name)
					before := cpu(t, s.cmd.Process.Pid)
					out, err := exec.Command("redis-benchmark", "-p", s.port, "-t", strings.ToLower(test), "-n", load[1],
						"-P", load[0], "-r", "10000", "--csv").Output()
					if err != nil {
						t.Fatal(err)
					}
					n, _ := strconv.ParseFloat(load[1], 64)
					costs[key] = append(costs[key], (cpu(t, s.cmd.Process.Pid)-before).Seconds()*1e6/n)
					lines := strings.Split(strings.TrimSpace(string(out)), "\n")
					rate, err := strconv.ParseFloat(strings.Trim(strings.Split(lines[len(lines)-1], ",")[1], `"`), 64)
					if err != nil {
						t.Fatal(err, string(out))
					}
					rates[key] = append(rates[key], rate)
				}
			}
		}
	}
	var keys []string
	for k := range rates {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		slices.Sort(rates[k])
		slices.Sort(costs[k])
		t.Logf("%-36s %9.0f requests/s, %6.2f µs of processor time each", k, rates[k][rounds/2], costs[k][rounds/2])
	}
}

// cpu returns the CPU time of all threads of a process, in the kernel and outside.
func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
