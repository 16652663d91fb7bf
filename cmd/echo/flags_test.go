package main

import (
	"bytes"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// refused runs the program with arguments for which it must not start. It returns the line that the
// program prints.
func refused(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	signals := make(chan os.Signal, 1)
	code := make(chan int, 1)
	go func() { code <- run(args, &stdout, &stderr, signals) }()
	select {
	case c := <-code:
		if c != 2 {
			t.Errorf("exit code %d, want 2", c)
		}
	case <-time.After(longtest.Guard):
		signals <- os.Interrupt
		t.Fatal("it serves")
	}
	if stdout.Len() > 0 {
		t.Errorf("stdout: %q, want nothing", &stdout)
	}
	line := stderr.String()
	if !strings.HasPrefix(line, "echo: ") || strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
		t.Errorf("stderr: %q, want one line that begins with echo:", line)
	}
	return line
}

// Each error in the command line is reported on one line, with the argument and its range, if it
// has a range.
func TestBadCommandLine(t *testing.T) {
	for _, c := range []struct {
		args string
		says string
	}{
		{"-x", "-x"},
		{"-idle", "needs an argument: -idle"},
		{"-idle soon", `"soon" for flag -idle`},
		{"-idle -1s", "-idle -1s: must be 0 (never) or at least 1ms"},
		{"-idle 1us", "at least 1ms"},
		{"-drain -1ns", "-drain -1ns: must be 0 or more"},
		{"-handshake 0", "-handshake 0s: must be 1ms"},
		{"-handshake 2h", "-handshake 2h0m0s: must be 1ms"},
		{"-stats -1s", "-stats -1s: must be 0 (never) or at least 1ms"},
		{"-stats 5", `"5" for flag -stats`},
		{"-loops -1", "-loops -1: must be 0 (one for each processor) … 1024"},
		{"-loops 1025", "-loops 1025: must be 0"},
		{"-loops two", `"two" for flag -loops`},
		{"-loops 2 -style task", "-loops 2: tasks and their sockets are of one loop"},
		{"-style goroutine", `-style "goroutine": must be callback, task or net`},
		{"-log loud", `"loud"`},
		{"-log fatal", "-log fatal: must be debug, info, warn or error"},
		{"-max-conns -1", "-max-conns -1: must be 0 (no limit) or more"},
		{"-max-conns 99999999999999999999", "value out of range"},
		{"localhost:7777", `address "localhost:7777": must be tcp://`},
		{"http://localhost", `unknown network "http"`},
		{"tcp://", "nothing after ://"},
		{"unix://", "nothing after ://"},
		{"tcp://127.0.0.1:0 -idle 5s", "flag -idle after an address"},
		{"a\nb", `address "a\nb"`},
	} {
		t.Run(c.args, func(t *testing.T) {
			args := strings.Split(c.args, " ")
			if line := refused(t, args...); !strings.Contains(line, c.says) {
				t.Errorf("%q does not say %q", line, c.says)
			}
		})
	}
}

// -h prints the usage, the default address and the flags to stdout, and the exit code is 0.
func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run([]string{"-h"}, &stdout, &stderr, nil); code != 0 || stderr.Len() > 0 {
		t.Errorf("exit code %d, stderr %q", code, &stderr)
	}
	for _, want := range []string{"usage: echo [flags] [addr ...]", defaultAddress, "-drain", "-max-conns"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %q in\n%s", want, &stdout)
		}
	}
}

// The printed command reaches the server from this machine, for every kind of address, and is
// quoted for a shell.
func TestLine(t *testing.T) {
	tcp := func(s string) net.Addr { a, _ := net.ResolveTCPAddr("tcp", s); return a }
	udp := func(s string) net.Addr { a, _ := net.ResolveUDPAddr("udp", s); return a }
	unix := func(s string) net.Addr { return &net.UnixAddr{Name: s} }
	for _, c := range []struct {
		network string
		at      net.Addr
		want    string
	}{
		{"tcp", tcp("127.0.0.1:7777"), "listening on tcp://127.0.0.1:7777, try: nc 127.0.0.1 7777"},
		{"tcp", tcp("[::]:1"), "listening on tcp://[::]:1, try: nc 127.0.0.1 1"},
		{"tcp4", tcp("0.0.0.0:1"), "listening on tcp4://0.0.0.0:1, try: nc 127.0.0.1 1"},
		{"tcp6", tcp("[::]:1"), "listening on tcp6://[::]:1, try: nc ::1 1"},
		{"tcp6", tcp("[fe80::1%9]:1"), "listening on tcp6://[fe80::1%9]:1, try: nc fe80::1%9 1"},
		{"udp", udp("10.0.0.1:53"), "listening on udp://10.0.0.1:53, try: nc -u 10.0.0.1 53"},
		{"unix", unix("/tmp/x"), "listening on unix:///tmp/x, try: nc -U /tmp/x"},
		{"unix", unix("it's here"), `listening on unix://it's here, try: nc -U 'it'\''s here'`},
		{"unix", unix("@x"), "listening on unix://@x, try: socat - ABSTRACT-CONNECT:x"},
		{"unixgram", unix("/tmp/x"), "listening on unixgram:///tmp/x, try: nc -uU /tmp/x"},
		{"unixgram", unix("@x"), "listening on unixgram://@x, try: socat - ABSTRACT-SENDTO:x"},
	} {
		if got := (address{c.network, ""}).line(c.at, false); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
	for _, c := range []struct {
		network string
		at      net.Addr
		want    string
	}{
		{"tcp", tcp("[::]:1"), "listening on tcp://[::]:1, try: openssl s_client -quiet -connect 127.0.0.1:1"},
		{"tcp6", tcp("[::]:1"), "listening on tcp6://[::]:1, try: openssl s_client -quiet -connect '[::1]:1'"},
		{"unix", unix("it's here"), `listening on unix://it's here, try: openssl s_client -quiet -unix 'it'\''s here'`},
		{"unix", unix("@x"), "listening on unix://@x"},
	} {
		if got := (address{c.network, ""}).line(c.at, true); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}
