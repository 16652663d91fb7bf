//go:build unix

package reactor

import (
	"errors"
	"strings"
)

// This file belongs to the model of connops_test.go. It has the Input that the Conn may have.

// useInput makes the Conn keep its input. If it does so already, useInput consumes bytes in one of
// three ways.
func (m *connModel) useInput(n int) {
	switch {
	case m.dead:
	case m.in == nil:
		m.in, m.taken = m.c.KeepInput(n+1), m.shown
	case n%3 == 0:
		m.take(n)
	case n%3 == 1:
		m.checkInput()
		left := m.shown - m.taken
		if k, err := m.in.Discard(n); k != min(n, left) || errors.Is(err, ErrIncomplete) != (n > left) {
			m.fatalf("Discard(%d) of %d bytes: %d, %v", n, left, k, err)
		}
		m.taken += min(n, left)
	default:
		m.isStream("Release", m.in.Release(), m.shown-m.taken)
		m.in = nil
	}
}

// take consumes up to n bytes.
func (m *connModel) take(n int) {
	m.checkInput()
	n = min(n, m.in.Buffered(), m.in.Limit())
	p, err := m.in.Next(n)
	if err != nil {
		m.fatalf("Next(%d): %v", n, err)
	}
	m.isStream("Next", p, n)
	m.taken += n
}

// checkInput checks that the Input has what the peer has sent and nobody has consumed.
func (m *connModel) checkInput() {
	if got, want := m.in.Buffered(), m.shown-m.taken; got != want {
		m.fatalf("the Input has %d bytes, want %d", got, want)
	}
	n := min(m.in.Buffered(), m.in.Limit())
	p, err := m.in.Peek(n)
	if err != nil {
		m.fatalf("Peek(%d): %v", n, err)
	}
	m.isStream("Peek", p, n)
	if _, err := m.in.Peek(m.in.Limit() + 1); !errors.Is(err, ErrInputLimit) {
		m.fatalf("Peek above the limit: %v", err)
	}
}

// isStream checks that p is the next n bytes of the peer's stream.
func (m *connModel) isStream(what string, p []byte, n int) {
	if len(p) != n {
		m.fatalf("%s returns %d bytes, want %d", what, len(p), n)
	}
	for i, b := range p {
		if b != at(m.taken+i) {
			m.fatalf("%s returns a wrong byte at %d", what, m.taken+i)
		}
	}
}

// inputIsKept returns whether err says that StartFilter would lose bytes of the Input.
func (m *connModel) inputIsKept(err error) bool {
	return err != nil && m.in != nil && m.in.Buffered() > 0 && strings.Contains(err.Error(), "Input has")
}
