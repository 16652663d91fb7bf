package main

import (
	"bytes"
	"errors"
	"strconv"
)

const (
	maxArgs    = 1 << 16
	maxBulk    = 32 << 20        // bytes of one argument
	maxCommand = maxBulk + 1<<20 // of a whole command
	maxLine    = 64 << 10        // of a header or an inline command
	keepArgs   = 1 << 10         // arguments for which a connection keeps room
)

var (
	errArgs   = errors.New("ERR Protocol error: invalid multibulk length")
	errBulk   = errors.New("ERR Protocol error: invalid bulk length")
	errDollar = errors.New("ERR Protocol error: expected '$'")
	errLine   = errors.New("ERR Protocol error: too big inline request")
	errLarge  = errors.New("ERR Protocol error: too big command")
)

// A parser reads one command after the other: an array of bulk strings, or words on a line. After
// an incomplete command it continues where it stopped, so its work is linear in the bytes.
type parser struct {
	begun  bool
	left   int   // arguments still to come
	n      int   // bytes of the command that were read
	seen   int   // further bytes without an end of line
	bulk   int   // the length of the next argument; -1: its header comes first
	bounds []int // where the arguments begin and end
	args   [][]byte
}

// next reads a command at the front of p. The bytes that it has read before must be the same. The
// arguments are parts of p, and valid until the next call. n is the command's size in bytes, 0
// while it is incomplete. A command without arguments is empty.
func (q *parser) next(p []byte) (args [][]byte, n int, err error) {
	if !q.begun {
		line, err := q.line(p)
		if line == nil || err != nil {
			return nil, 0, err
		}
		if len(line) == 0 || line[0] != '*' {
			return append(q.args[:0], bytes.Fields(line)...), q.end(), nil
		}
		count, ok := number(line[1:], maxArgs)
		if !ok {
			return nil, 0, errArgs
		}
		q.begun, q.left, q.bulk, q.bounds = true, count, -1, q.bounds[:0]
	}
	for ; q.left > 0; q.left-- {
		if q.bulk < 0 {
			line, err := q.line(p)
			if line == nil || err != nil {
				return nil, 0, err
			}
			if len(line) == 0 || line[0] != '$' {
				return nil, 0, errDollar
			}
			size, ok := number(line[1:], maxBulk)
			if !ok {
				return nil, 0, errBulk
			}
			if q.n+size > maxCommand {
				return nil, 0, errLarge
			}
			q.bulk = size
		}
		if len(p) < q.n+q.bulk+2 {
			return nil, 0, nil
		}
		q.bounds = append(q.bounds, q.n, q.n+q.bulk)
		q.n += q.bulk + 2
		q.bulk = -1
	}
	args = q.args[:0]
	for i := 0; i < len(q.bounds); i += 2 {
		args = append(args, p[q.bounds[i]:q.bounds[i+1]])
	}
	return args, q.end(), nil
}

// end prepares for the next command, and returns how long this one was.
func (q *parser) end() (n int) {
	n = q.n
	q.begun, q.n = false, 0
	return n
}

// keep takes back the slice of next, to use it again, and clears it.
func (q *parser) keep(args [][]byte) {
	if cap(args) > keepArgs {
		q.args, q.bounds = nil, nil
		return
	}
	clear(args)
	q.args = args
}

// line returns the next line without its end, nil if it is incomplete.
func (q *parser) line(p []byte) ([]byte, error) {
	rest := p[q.n:]
	i := bytes.IndexByte(rest[q.seen:max(min(len(rest), maxLine), q.seen)], '\n')
	if i < 0 {
		if q.seen = len(rest); q.seen >= maxLine {
			return nil, errLine
		}
		return nil, nil
	}
	i += q.seen
	q.n, q.seen = q.n+i+1, 0
	line := bytes.TrimSuffix(rest[:i], []byte{'\r'})
	return line[:len(line):len(line)], nil
}

func number(p []byte, most int) (n int, ok bool) {
	for _, c := range p {
		if c < '0' || c > '9' || n > most {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, len(p) > 0 && n <= most
}

// The rest makes replies.

func appendInt(b []byte, kind byte, n int64) []byte {
	return append(strconv.AppendInt(append(b, kind), n, 10), "\r\n"...)
}

func appendError(b []byte, text string) []byte {
	return append(append(append(b, '-'), text...), "\r\n"...)
}
