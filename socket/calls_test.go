//go:build unix

package socket_test

import (
	"io"
	"math"

	_ "github.com/ureactor/ureactor/internal/longtest" // it defines the flag -long
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

func seconds(s float64) timeout.Timeout {
	t, err := timeout.Seconds(s)
	if err != nil {
		panic(err)
	}
	return t
}

// A call is one method with valid arguments. Tests of properties that all calls have use each of
// them.
type call struct {
	name string
	do   func(s *socket.Socket) error
}

// huge is larger than any buffer. On a 32-bit system it is the largest int.
const huge = min(1<<40, math.MaxInt)

// wide has a bit above the lower 32. It is a variable, because a constant of that size does not fit
// in a 32-bit int.
var wide int64 = 1 << 32

var receiving = []call{
	{"Recv", func(s *socket.Socket) error { _, err := s.Recv(5); return err }},
	{"RecvHuge", func(s *socket.Socket) error { _, err := s.Recv(huge); return err }},
	{"RecvInto", func(s *socket.Socket) error { _, err := s.RecvInto(make([]byte, 5)); return err }},
	{"Data", func(s *socket.Socket) error { _, err := s.Data(); return err }},
	{"RecvFrom", func(s *socket.Socket) error { _, _, err := s.RecvFrom(5); return err }},
	{"RecvFromInto", func(s *socket.Socket) error { _, _, err := s.RecvFromInto(make([]byte, 5)); return err }},
	{"ReadSize", func(s *socket.Socket) error { _, err := s.ReadSize(5); return err }},
	{"ReadAll", func(s *socket.Socket) error { _, err := s.ReadAll(); return err }},
	{"ReadInto", func(s *socket.Socket) error { _, err := s.ReadInto(make([]byte, 5)); return err }},
	{"ReadLine", func(s *socket.Socket) error { _, err := s.ReadLine(); return err }},
	{"Read", func(s *socket.Socket) error { _, err := io.ReadFull(s, make([]byte, 5)); return err }},
}

var big = make([]byte, 16<<20)

var sending = []call{
	{"Send", func(s *socket.Socket) error { _, err := s.Send([]byte("x")); return err }},
	{"SendAll", func(s *socket.Socket) error { _, err := s.SendAll(big); return err }},
	{"SendTo", func(s *socket.Socket) error {
		_, err := s.SendTo([]byte("x"), socket.Tuple("127.0.0.1", 9))
		return err
	}},
	{"Write", func(s *socket.Socket) error { _, err := s.Write(big); return err }},
}
