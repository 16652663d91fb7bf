//go:build unix

package socket_test

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// A negative size is refused and consumes nothing. A huge size is only an upper limit.
func TestD09Bufsize(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		l.send(c, "abc")
		_, err := s.Recv(-1)
		l.value(err)
		_, _, err = s.RecvFrom(-huge)
		l.value(err)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		l.recv(s, huge, "abc")
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
			l.fatalf("Recv(huge) of 3 bytes allocated %d", grown)
		}
	})
}

// A Recv of more bytes than a scratch buffer has returns all bytes that are available.
func TestRecvHuge(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		l.must(c.SetBlocking(false))
		sent := l.fill(c)
		for got := 0; got < sent; {
			p, err := s.Recv(huge)
			l.must(err)
			if len(p) > sent-got {
				l.fatalf("%d bytes of %d", len(p), sent-got)
			}
			got += len(p)
			if got < sent {
				l.readable(s)
			}
		}
		a, b := l.socket(socket.AF_UNIX, dgram), l.socket(socket.AF_UNIX, dgram)
		path := socket.Path(longtest.SocketPath(l.t))
		l.must(a.Bind(path))
		size := 150000
		if l.os != "linux" { // on FreeBSD net.local.dgram.maxdgram is 2,048
			size = 2000
		}
		want := strings.Repeat("x", size)
		_, err := b.SendTo([]byte(want), path)
		l.must(err)
		_, err = b.SendTo([]byte("next"), path)
		l.must(err)
		l.recv(a, 1<<30, want)
		l.recv(a, 1<<30, "next")
	})
}

func TestD10OneECONNRESET(t *testing.T) {
	both(t, func(l *lab) {
		for _, mode := range []timeout.Timeout{timeout.None, seconds(50), 0} {
			c, s := l.pair()
			l.must(s.SetTimeout(mode))
			l.reset(c, s)
			_, err := s.Recv(5)
			l.errno(err, syscall.ECONNRESET)
			l.recv(s, 5, "")
			l.recv(s, 5, "")

			c, s = l.pair()
			l.must(s.SetTimeout(mode))
			l.reset(c, s)
			_, err = s.Send([]byte("x"))
			l.errno(err, syscall.ECONNRESET)
			_, err = s.Send([]byte("x"))
			l.errno(err, syscall.EPIPE)
			l.recv(s, 5, "")
		}
	})
}

func TestD11NeverConnectedIsENOTCONN(t *testing.T) {
	both(t, func(l *lab) {
		for _, mode := range []timeout.Timeout{timeout.None, seconds(50), 0} {
			for _, s := range []*socket.Socket{l.tcp(), l.listener()} {
				l.must(s.SetTimeout(mode))
				for _, c := range receiving {
					if err := c.do(s); !errors.Is(err, syscall.ENOTCONN) {
						l.t.Errorf("%s with timeout %v: %v", c.name, mode, err)
					}
				}
			}
		}
	})
}

// On a stream, RecvFrom returns the peer's address, even if the kernel does not know it any more.
func TestD12RecvFromOnAStreamTellsThePeer(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		client, server := l.addr(c), l.addr(s)
		l.send(c, "data")
		got, from, err := s.RecvFrom(9)
		l.data(got, err, "data")
		if from != client {
			l.fatalf("from %v, want %v", from, client)
		}
		l.send(s, "back")
		p := make([]byte, 9)
		if n, from, err := c.RecvFromInto(p); n != 4 || from != server {
			l.fatalf("%d from %v, %v", n, from, err)
		}
		l.must(s.Shutdown(socket.SHUT_WR))
		l.recv(c, 1, "")
		l.must(c.Close())
		l.readable(s)
		l.until("end of the connection", func() bool { _, err := s.RemoteAddr(); return err != nil })
		got, from, err = s.RecvFrom(9)
		l.data(got, err, "")
		if from != client {
			l.fatalf("from %v after the end, want %v", from, client)
		}
	})
}

func TestD27ReadLessThanMinusOneIsReadAll(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		l.send(c, strings.Repeat("abc", 100000))
		l.must(c.Close())
		got, err := s.ReadSize(-7)
		l.data(got, err, strings.Repeat("abc", 100000))
		got, err = s.ReadSize(-1)
		l.data(got, err, "")
	})
}

// Where MicroPython returns None, the Go call returns EAGAIN and n is 0. Otherwise the call moves
// as many bytes as possible.
func TestD28NothingAtAllIsEAGAIN(t *testing.T) {
	t.Parallel()
	both(t, func(l *lab) {
		c, s := l.pair()
		l.must(s.SetBlocking(false))
		for _, call := range receiving {
			l.errno(call.do(s), syscall.EAGAIN)
		}
		l.send(c, "abc")
		l.readable(s)
		got, err := s.ReadSize(5)
		l.data(got, err, "abc")
		l.send(c, "abc")
		l.readable(s)
		got, err = s.ReadAll()
		l.data(got, err, "abc")
		l.send(c, "abc")
		l.readable(s)
		if n, err := s.ReadInto(make([]byte, 9)); n != 3 || err != nil {
			l.fatalf("ReadInto: %d, %v", n, err)
		}
		l.send(c, "ab\ncd")
		l.until("the data", func() bool { p, _ := s.RecvFlags(9, socket.MSG_PEEK); return len(p) == 5 })
		got, err = s.ReadLine()
		l.data(got, err, "ab\n")
		got, err = s.ReadLine()
		l.data(got, err, "cd")
		_, err = s.ReadLine()
		l.errno(err, syscall.EAGAIN)

		l.must(c.SetBlocking(false))
		n, err := c.Write(big)
		if n == 0 || n == len(big) {
			l.fatalf("Write: %d, %v", n, err)
		}
		l.errno(err, syscall.EAGAIN)
		for n, err = 1, nil; n == 1 && err == nil; n, err = c.Write([]byte("x")) {
			l.fill(c) // fills it again, because the kernel may have found room meanwhile
		}
		l.errno(err, syscall.EAGAIN)
		if n != 0 {
			l.fatalf("Write into a full buffer: %d", n)
		}
		if n, err := c.Write(nil); n != 0 || err != nil {
			l.fatalf("Write of nothing: %d, %v", n, err)
		}
	})
}

// At its deadline a call returns the data that has come, with the error. Later calls continue
// behind that data.
func TestD29PartialDataIsConsumed(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		l.must(s.SetTimeout(seconds(0.005)))
		partial := func(got []byte, err error) {
			l.t.Helper()
			l.errno(err, syscall.ETIMEDOUT)
			if string(got) != "part" {
				l.fatalf("with the error came %q", got)
			}
		}
		send := func() {
			l.send(c, "part")
			l.readable(s)
		}
		send()
		partial(s.ReadSize(9))
		send()
		partial(s.ReadAll())
		send()
		partial(s.ReadLine())
		send()
		p := make([]byte, 9)
		n, err := s.ReadInto(p)
		partial(p[:n], err)
		l.send(c, "next")
		l.readable(s)
		l.recv(s, 9, "next")
	})
}

// recv, read and readline receive from one stream of bytes. readline receives nothing behind its
// line.
func TestReadLine(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		long := strings.Repeat("0123456789", 100)
		l.send(c, "one\ntwo\r\n\n"+long+"\n"+"rest")
		for _, want := range []string{"one\n", "two\r\n", "\n"} {
			got, err := s.ReadLine()
			l.data(got, err, want)
		}
		got, err := s.ReadLineMax(0)
		l.data(got, err, "")
		got, err = s.ReadLineMax(3)
		l.data(got, err, "012")
		l.recv(s, 1, "3")
		got, err = s.ReadLineMax(-7)
		l.data(got, err, long[4:]+"\n")
		l.must(c.Close())
		got, err = s.ReadLine()
		l.data(got, err, "rest")
		got, err = s.ReadLine()
		l.data(got, err, "")
	})
}

// read(n) joins datagrams. It truncates a datagram that does not fit in the rest of n, and ends at
// an empty datagram.
func TestReadOfDatagrams(t *testing.T) {
	both(t, func(l *lab) {
		a, b := l.udp(), l.udp()
		for _, d := range []string{"abc", "defg", "hij", "", "k", "line\n", "z"} {
			_, err := b.SendTo([]byte(d), l.addr(a))
			l.must(err)
		}
		got, err := a.ReadSize(5)
		l.data(got, err, "abcde")
		got, err = a.ReadSize(5)
		l.data(got, err, "hij")
		got, err = a.ReadLineMax(2)
		l.data(got, err, "kl")
		l.recv(a, 9, "z")
	})
}

// Read returns io.EOF at the end of input, and never otherwise.
func TestReaderTellsEOF(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		l.send(c, "data")
		l.must(c.Close())
		got, err := io.ReadAll(s)
		l.data(got, err, "data")
		if n, err := s.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			l.fatalf("Read at the end: %d, %v", n, err)
		}
		if n, err := s.Read(nil); n != 0 || err != nil {
			l.fatalf("Read of nothing: %d, %v", n, err)
		}
		if n, err := s.RecvInto(make([]byte, 1)); n != 0 || err != nil {
			l.fatalf("RecvInto at the end: %d, %v", n, err)
		}
		u := l.udp()
		_, err = u.SendTo(nil, l.addr(u))
		l.must(err)
		if n, err := u.Read(make([]byte, 1)); n != 0 || err != nil {
			l.fatalf("Read of an empty datagram: %d, %v", n, err)
		}
	})
}

// On a stream, MSG_TRUNC counts bytes that it does not store. The result must not contain bytes
// that other sockets have received.
func TestTruncGivesNobodyElsesData(t *testing.T) {
	both(t, func(l *lab) {
		c, s := l.pair()
		for range 20 { // so that each scratch buffer is used
			l.send(c, "secret")
			l.recv(s, 6, "secret")
		}
		l.send(c, "......")
		l.readable(s)
		got, err := s.RecvFlags(6, socket.MSG_TRUNC)
		if err == nil && strings.Contains(string(got), "secret") {
			l.fatalf("got %q", got)
		}
	})
}
