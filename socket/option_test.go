//go:build unix

package socket_test

import (
	"encoding/binary"
	"errors"
	"strconv"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

func TestD30MakeFileIsTheSocket(t *testing.T) {
	both(t, func(l *lab) {
		_, s := l.pair()
		file, err := s.MakeFile("rwb")
		l.must(err)
		if file != s {
			l.fatalf("MakeFile made something else")
		}
		l.must(file.Close())
		if s.Fileno() != -1 {
			l.fatalf("the file is closed, the socket is not")
		}
	})
}

func TestD31MakeFileModes(t *testing.T) {
	both(t, func(l *lab) {
		s := l.tcp()
		for _, mode := range []string{"rb", "br", "wb", "bw", "rwb", "rbw", "wrb", "wbr", "brw", "bwr"} {
			_, err := s.MakeFile(mode)
			l.must(err)
		}
		for _, mode := range []string{"", "r", "w", "b", "rw", "rt", "zz", "rbb", "rrb", "rwbx", "rwt", "a", "ab", "rb+"} {
			_, err := s.MakeFile(mode)
			l.value(err)
		}
	})
}

func TestD32BoolIsAnInt(t *testing.T) {
	both(t, func(l *lab) {
		s := l.tcp()
		for _, on := range []bool{true, false} {
			l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, on))
			if v, err := s.GetSockOpt(socket.SOL_SOCKET, socket.SO_KEEPALIVE); err != nil || (v != 0) != on {
				l.fatalf("SO_KEEPALIVE %v is %d, %v", on, v, err)
			}
		}
		l.must(s.SetSockOpt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1))
		p, err := s.GetSockOptBytes(socket.IPPROTO_TCP, socket.TCP_NODELAY, 4)
		if err != nil || len(p) != 4 || binary.NativeEndian.Uint32(p) == 0 {
			l.fatalf("TCP_NODELAY is %v, %v", p, err)
		}
		l.errno(s.SetSockOpt(socket.SOL_SOCKET, 9999, 1), syscall.ENOPROTOOPT)
		l.errno(s.SetSockOpt(huge, 1, 1), syscall.ENOPROTOOPT)
		l.errno(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_REUSEADDR, []byte{1}), syscall.EINVAL)
		// Only the lower 32 bits of an int count.
		l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(wide|1)))
		for _, bad := range []any{nil, 1.5, "1", uint8(1), func(*socket.Socket) {}} {
			l.value(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_REUSEADDR, bad))
		}
		_, err = s.GetSockOptBytes(socket.SOL_SOCKET, socket.SO_TYPE, -1)
		l.value(err)
	})
}

// SO_RCVTIMEO and SO_SNDTIMEO have no effect, because the descriptors are non-blocking.
func TestD34SocketTimeoutsOfTheHostHaveNoEffect(t *testing.T) {
	t.Parallel()
	both(t, func(l *lab) {
		c, s := l.pair()
		tv := make([]byte, 16)
		binary.NativeEndian.PutUint64(tv[8:], 1000) // 1 ms
		for _, option := range []int{socket.SO_RCVTIMEO, socket.SO_SNDTIMEO} {
			if err := s.SetSockOpt(socket.SOL_SOCKET, option, tv); err != nil {
				l.t.Skip("another struct timeval: ", err)
			}
		}
		if s.Timeout() != timeout.None {
			l.fatalf("the mode is %v", s.Timeout())
		}
		join := l.beside(func(l *lab) {
			l.asleep(s)
			for range 30 { // much longer than 1 ms
				l.pass()
			}
			l.send(c, "late")
		})
		l.recv(s, 9, "late")
		join()
	})
}

func TestD35Protocols(t *testing.T) {
	both(t, func(l *lab) {
		for _, c := range []struct{ typ, proto int }{{stream, 0}, {stream, socket.IPPROTO_TCP}, {dgram, 0}, {dgram, socket.IPPROTO_UDP}} {
			s, err := l.make(inet, c.typ, c.proto)
			l.must(err)
			l.own(s)
		}
		if socket.IPPROTO_TCP != 6 || socket.IPPROTO_UDP != 17 {
			l.fatalf("protocols are %d and %d", socket.IPPROTO_TCP, socket.IPPROTO_UDP)
		}
		type refused struct {
			family, typ, proto int
			want               syscall.Errno
		}
		cases := []refused{
			{inet, stream, socket.IPPROTO_UDP, syscall.EPROTONOSUPPORT},
			{inet, dgram, socket.IPPROTO_TCP, syscall.EPROTONOSUPPORT},
			{inet, dgram, socket.IPPROTO_SEC, syscall.EPROTONOSUPPORT},
			{99, stream, 0, syscall.EAFNOSUPPORT},
			{inet, 77, 0, syscall.EINVAL},
			{inet, stream, -1, syscall.EINVAL},
		}
		if strconv.IntSize == 64 { // no number is truncated to 32 bits
			cases = append(cases, refused{int(wide | inet), stream, 0, syscall.EAFNOSUPPORT},
				refused{inet, int(wide | int64(stream)), 0, syscall.EINVAL})
		}
		for _, c := range cases {
			_, err := l.make(c.family, c.typ, c.proto)
			if !errors.Is(err, c.want) {
				l.t.Errorf("%d, %d, %d: %v", c.family, c.typ, c.proto, err)
			}
		}
	})
}

// The flags of a receive and the direction of a shutdown are not truncated to 32 bits. The receives
// are non-blocking, so a receive with truncated flags would return EAGAIN.
func TestFlagsAreNotCut(t *testing.T) {
	if strconv.IntSize < 64 {
		t.Skip("an int has 32 bits here")
	}
	both(t, func(l *lab) {
		c, _ := l.pair()
		l.must(c.SetBlocking(false))
		flags := int(wide | int64(socket.MSG_PEEK))
		_, err1 := c.RecvFlags(1, flags)
		_, _, err2 := c.RecvFromFlags(1, flags)
		_, err3 := c.RecvIntoFlags(make([]byte, 1), flags)
		_, _, err4 := c.RecvFromIntoFlags(make([]byte, 1), flags)
		for i, err := range []error{err1, err2, err3, err4} {
			if !errors.Is(err, socket.ErrValue) {
				l.t.Errorf("receive %d: %v", i, err)
			}
		}
		l.errno(c.Shutdown(int(wide|int64(socket.SHUT_WR))), syscall.EINVAL)
		_, err := c.Send([]byte("x"))
		l.must(err)
	})
}

func TestMulticast(t *testing.T) {
	both(t, func(l *lab) {
		s := l.udp()
		group := append([]byte{224, 0, 0, 251}, 127, 0, 0, 1)
		if err := s.SetSockOpt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group); err != nil {
			l.t.Skip("no multicast here: ", err)
		}
		l.must(s.SetSockOpt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, group))
		if err := s.SetSockOpt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, group); err == nil {
			l.fatalf("left the group twice")
		}
	})
}
