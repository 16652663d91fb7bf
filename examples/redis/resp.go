package main

import (
	"bytes"
	"errors"
	"strconv"
)

const (
	maxArgs = 1 << 16
	maxBulk = 32 << 20 // bytes of one argument
	maxLine = 64 << 10 // of a header, or of an inline command
)

var (
	errArgs   = errors.New("ERR Protocol error: invalid multibulk length")
	errBulk   = errors.New("ERR Protocol error: invalid bulk length")
	errDollar = errors.New("ERR Protocol error: expected '$'")
	errLine   = errors.New("ERR Protocol error: too big inline request")
)

// parse reads one command from the front of p: an array of bulk strings, or words on a line. args, which is reused, are
// parts of p. n is how many bytes it has; 0 while it is incomplete. No args: nothing to do.
func parse(p []byte, args [][]byte) (_ [][]byte, n int, err error) {
	args = args[:0]
	line, n, err := cut(p)
	if n == 0 || err != nil {
		return args, 0, err
	}
	if len(line) == 0 || line[0] != '*' {
		return append(args, bytes.Fields(line)...), n, nil
	}
	count, ok := number(line[1:], maxArgs)
	if !ok {
		return args, 0, errArgs
	}
	for range count {
		line, k, err := cut(p[n:])
		if k == 0 || err != nil {
			return args, 0, err
		}
		if len(line) == 0 || line[0] != '$' {
			return args, 0, errDollar
		}
		size, ok := number(line[1:], maxBulk)
		if !ok {
			return args, 0, errBulk
		}
		n += k
		if len(p) < n+size+2 {
			return args, 0, nil
		}
		args = append(args, p[n:n+size])
		n += size + 2
	}
	return args, n, nil
}

// cut is the line at the front of p, without its end, and its length with that; 0 if it is incomplete.
func cut(p []byte) (line []byte, n int, err error) {
	i := bytes.IndexByte(p[:min(len(p), maxLine)], '\n')
	switch {
	case i >= 0:
		return bytes.TrimSuffix(p[:i], []byte{'\r'}), i + 1, nil
	case len(p) >= maxLine:
		return nil, 0, errLine
	}
	return nil, 0, nil
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
