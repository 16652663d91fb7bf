//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// steps contains functions that change the situation between two calls. The calls of the table may
// change the situation too.
var steps = map[string]func(obj any, peer net.Conn) error{
	"peer sends": func(obj any, peer net.Conn) error {
		if _, stream := peer.(interface{ CloseWrite() error }); peer == nil || !stream {
			return nil
		}
		_, err := peer.Write([]byte("hello"))
		return err
	},
	"peer half-closes": func(_ any, peer net.Conn) error {
		if c, ok := peer.(interface{ CloseWrite() error }); ok {
			return c.CloseWrite()
		}
		return nil
	},
	"deadline passes": func(obj any, _ net.Conn) error {
		return obj.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Unix(1, 0))
	},
	"read deadline passes": func(obj any, _ net.Conn) error {
		if c, ok := obj.(net.Conn); ok {
			return c.SetReadDeadline(time.Unix(1, 0))
		}
		return nil
	},
	"a deadline is far": func(obj any, _ net.Conn) error {
		return obj.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now().Add(time.Hour))
	},
	"closes": func(obj any, _ net.Conn) error { return obj.(io.Closer).Close() },
}

// A pastDeadline predicts whether a read would return without waiting. It may predict a wait
// although the read would return at once. It never predicts a return for a read that would wait.
type pastDeadline struct{ read, closed bool }

func (d *pastDeadline) after(name string, obj any) {
	_, conn := obj.(net.Conn)
	switch name {
	case "deadline passes":
		d.read = true
	case "read deadline passes", "SetReadDeadline":
		d.read = d.read || conn // a listener has no read deadline
	case "a deadline is far", "SetDeadline":
		d.read = false
	case "closes", "Close":
		d.closed = true
	}
}

// Random sequences of calls, and of acts of the peer, have the same outcome as in package net: the
// same results, and errors with the same text, types and methods. Reads that would wait are left
// out.
func TestEverySequenceOfCalls(t *testing.T) {
	calls := slices.Sorted(keysOf(tableCalls))
	// The steps are in the list twice, so they are drawn more often.
	names := slices.Concat(calls, slices.Sorted(keysOf(steps)), slices.Sorted(keysOf(steps)))
	names = slices.DeleteFunc(names, func(name string) bool {
		// These calls are left out. Nobody closes the result of File. The buffer sizes change how many
		// bytes are in the kernel's buffers, which differs between two runs.
		return name == "File" || strings.HasPrefix(name, "SetReadBuffer") || strings.HasPrefix(name, "SetWriteBuffer")
	})
	for _, sub := range subjects {
		t.Run(sub.name, func(t *testing.T) {
			t.Parallel()
			for seed := range longtest.Seeds(t, 3, 15, 1000) {
				random := rand.New(rand.NewPCG(seed, 18))
				sequence := make([]string, 1+random.IntN(12))
				for i := range sequence {
					sequence[i] = names[random.IntN(len(names))]
				}
				t.Run(fmt.Sprint(seed), func(t *testing.T) { // a test of its own, at whose end all is closed
					if unlike(t, sub, sequence) != "" {
						t.Fatal(unlike(t, sub, shrunk(t, sub, sequence)))
					}
				})
			}
		})
	}
}

// shrunk removes the steps and calls that are not needed for the difference.
func shrunk(t *testing.T, sub subject, sequence []string) []string {
	for i := 0; i < len(sequence); {
		if less := slices.Delete(slices.Clone(sequence), i, i+1); unlike(t, sub, less) != "" {
			sequence = less
		} else {
			i++
		}
	}
	return sequence
}

// unlike describes how the outcome of a sequence differs from that over package net. It returns ""
// if both outcomes are the same.
func unlike(t *testing.T, sub subject, sequence []string) string {
	var outcome [2][]string
	for i := range outcome {
		obj, peer := sub.make(t, stacks[i])
		outcome[i] = play(sequence, obj, peer)
		obj.(io.Closer).Close()
		if peer != nil {
			peer.Close()
		}
	}
	for i, want := range outcome[0] {
		if got := outcome[1][i]; got != want {
			return fmt.Sprintf("%s, after %q\nnetconn %s\nnet     %s", sequence[i], sequence[:i], got, want)
		}
	}
	return ""
}

func play(sequence []string, obj any, peer net.Conn) (outcomes []string) {
	var d pastDeadline
	for _, name := range sequence {
		step, isStep := steps[name]
		switch {
		case isStep:
			outcomes = append(outcomes, everything(step(obj, peer)))
		case waits[name] && !d.read && !d.closed:
			outcomes = append(outcomes, "left out")
			continue
		default:
			outcomes = append(outcomes, everything(tableCalls[name](obj)))
		}
		d.after(name, obj)
	}
	return outcomes
}
