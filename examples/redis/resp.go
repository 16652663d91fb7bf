package main

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/ureactor/ureactor/frame"
)

const (
	maxArgs    = 1 << 16
	maxBulk    = 32 << 20        // bytes of one argument
	maxCommand = maxBulk + 1<<20 // bytes of a whole command
	maxLine    = 64 << 10        // bytes of a header or an inline command
	keepArgs   = 1 << 10         // for so many arguments a connection keeps room
)

var (
	errArgs   = errors.New("ERR Protocol error: invalid multibulk length")
	errBulk   = errors.New("ERR Protocol error: invalid bulk length")
	errDollar = errors.New("ERR Protocol error: expected '$'")
	errLine   = errors.New("ERR Protocol error: too big inline request")
	errLarge  = errors.New("ERR Protocol error: too big command")
)

// A parser reads commands. A command is an array of bulk strings, or a line of words. The parser
// stores how far it has parsed an incomplete command, so its work is linear in the number of bytes.
type parser struct {
	begun  bool
	left   int   // arguments that are missing
	n      int   // bytes of the command that were parsed
	seen   int   // how many further bytes were searched for the end of a line
	bulk   int   // the length of the next argument; -1: its header is missing
	bounds []int // where the arguments begin and end
	args   [][]byte
}

// next consumes a command. While the command is incomplete, whole is false. The arguments are
// slices of the input, and are valid as long as these. A command without arguments is empty.
func (q *parser) next(in frame.Source) (args [][]byte, whole bool, err error) {
	if !q.begun {
		line, err := q.line(in)
		if line == nil || err != nil {
			return nil, false, err
		}
		if len(line) == 0 || line[0] != '*' {
			_, err := q.end(in)
			return append(q.args[:0], bytes.Fields(line)...), true, err
		}
		count, ok := number(line[1:], maxArgs)
		if !ok {
			return nil, false, errArgs
		}
		q.begun, q.left, q.bulk, q.bounds = true, count, -1, q.bounds[:0]
	}
	for ; q.left > 0; q.left-- {
		if q.bulk < 0 {
			line, err := q.line(in)
			if line == nil || err != nil {
				return nil, false, err
			}
			if len(line) == 0 || line[0] != '$' {
				return nil, false, errDollar
			}
			size, ok := number(line[1:], maxBulk)
			if !ok {
				return nil, false, errBulk
			}
			if q.n+size+2 > maxCommand {
				return nil, false, errLarge
			}
			q.bulk = size
		}
		if in.Buffered() < q.n+q.bulk+2 {
			return nil, false, nil
		}
		q.bounds = append(q.bounds, q.n, q.n+q.bulk)
		q.n += q.bulk + 2
		q.bulk = -1
	}
	p, err := q.end(in)
	args = q.args[:0]
	for i := 0; i < len(q.bounds) && err == nil; i += 2 {
		args = append(args, p[q.bounds[i]:q.bounds[i+1]])
	}
	return args, true, err
}

// end consumes the command and prepares for the next one.
func (q *parser) end(in frame.Source) (p []byte, err error) {
	if p, err = in.Next(q.n); err != nil {
		return nil, errLarge
	}
	q.begun, q.n = false, 0
	return p, nil
}

// keep stores the slice that next has returned, without the arguments, so that next can use it
// again.
func (q *parser) keep(args [][]byte) {
	if cap(args) > keepArgs {
		q.args, q.bounds = nil, nil
		return
	}
	clear(args)
	q.args = args
}

// line returns the next line without its end, or nil if the line is incomplete.
func (q *parser) line(in frame.Source) ([]byte, error) {
	end := in.Index(newline, q.n+q.seen)
	if end > q.n+maxLine || end < 0 && in.Buffered() >= q.n+maxLine {
		return nil, errLine
	}
	if end < 0 {
		q.seen = max(in.Buffered()-q.n, 0)
		return nil, nil
	}
	p, err := in.Peek(end + 1)
	if err != nil {
		return nil, errLarge
	}
	line := bytes.TrimSuffix(p[q.n:end], []byte{'\r'})
	q.n, q.seen = end+1, 0
	return line[:len(line):len(line)], nil
}

var newline = []byte("\n")

func number(p []byte, most int) (n int, ok bool) {
	for _, c := range p {
		if c < '0' || c > '9' || n > most {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, len(p) > 0 && n <= most
}

// These functions make replies.

func appendInt(b []byte, kind byte, n int64) []byte {
	return append(strconv.AppendInt(append(b, kind), n, 10), "\r\n"...)
}

func appendError(b []byte, text string) []byte {
	return append(append(append(b, '-'), text...), "\r\n"...)
}
