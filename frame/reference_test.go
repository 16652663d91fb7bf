package frame

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
)

func bufioReader(data []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(data)) }

// one reads a frame as a program with bufio would. At the end of input it returns io.EOF between
// two frames, and io.ErrUnexpectedEOF in the middle of a frame.
func one(f *Format, in *bufio.Reader) ([]byte, error) {
	switch f.kind {
	case fixed:
		return body(in, f.max)
	case lengthBig, lengthLittle:
		head := make([]byte, f.head)
		if _, err := io.ReadFull(in, head); err != nil {
			return nil, err
		}
		var all [8]byte
		n := uint64(0)
		if f.kind == lengthBig {
			copy(all[8-f.head:], head)
			n = binary.BigEndian.Uint64(all[:])
		} else {
			copy(all[:], head)
			n = binary.LittleEndian.Uint64(all[:])
		}
		if n > uint64(f.max) {
			return nil, ErrTooLarge
		}
		return inside(body(in, int(n)))
	case varint:
		n, err := binary.ReadUvarint(in)
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return nil, err
		case err != nil:
			return nil, ErrVarint
		case n > uint64(f.max):
			return nil, ErrTooLarge
		}
		return inside(body(in, int(n)))
	}
	var p []byte
	for !bytes.HasSuffix(p, f.tail) {
		c, err := in.ReadByte()
		switch {
		case err == io.EOF && len(p) == 0:
			return nil, io.EOF
		case err == io.EOF && len(p) >= f.MaxSize():
			return nil, ErrTooLarge
		case err == io.EOF:
			return nil, io.ErrUnexpectedEOF
		}
		p = append(p, c)
	}
	p = p[:len(p)-len(f.tail)]
	if f.kind == lines && len(p) > 0 && p[len(p)-1] == '\r' {
		p = p[:len(p)-1]
	}
	if len(p) > f.max {
		return nil, ErrTooLarge
	}
	return p, nil
}

func body(in io.Reader, n int) ([]byte, error) {
	p := make([]byte, n)
	_, err := io.ReadFull(in, p)
	return p, err
}

// inside converts the error for the end of input in the middle of a frame.
func inside(p []byte, err error) ([]byte, error) {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return p, err
}
