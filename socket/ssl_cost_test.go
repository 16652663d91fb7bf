//go:build unix

package socket_test

import (
	"crypto/x509"
	"errors"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/stacks"
	"github.com/ureactor/ureactor/socket"
)

// A read of a long line makes few allocations, because its memory doubles. This also holds if other
// calls read at the same time.
func TestLongLineAllocatesLittle(t *testing.T) {
	parked(t, func(l *lab) {
		c, s := l.pair()
		line := strings.Repeat("x", 10_000) + "\n"
		const most = 20
		if n := testing.AllocsPerRun(20, func() {
			l.send(c, line)
			got, err := s.ReadLine()
			l.data(got, err, line)
		}); n > most {
			t.Errorf("%v allocations for a line of %d bytes, want at most %d", n, len(line), most)
		}
	})
}

// If the options of WrapSSL are wrong, the socket does not change. If the handshake fails, the
// socket is closed.
func TestFailedWrapSSL(t *testing.T) {
	parked(t, func(l *lab) {
		c, s := l.pair()
		_, err := socket.WrapSSL(s, false, socket.SSLOptions{CertReqs: 99})
		l.value(err)
		l.send(c, "not TLS at all\n")
		l.recv(s, 4, "not ")
		if _, err := socket.WrapSSL(s, false, socket.SSLOptions{}); err == nil || errors.Is(err, socket.ErrValue) {
			t.Errorf("a handshake with a peer that speaks no TLS: %v", err)
		}
		_, err = s.Recv(1)
		l.errno(err, syscall.EBADF)
	})
}

// Calls that wait for silent TLS peers hold no buffers, which would have 64 KiB each.
func TestWaitingSSLSocketsHoldNoBuffers(t *testing.T) {
	parked(t, func(l *lab) {
		const most = 16 << 10
		calls := longtest.Count(10, 30, 30)
		me := issue(t, nil, &x509.Certificate{})
		var wrapped []*socket.SSLSocket
		for range calls {
			c, s := l.pair()
			shaken := l.beside(func(l *lab) {
				_, err := socket.WrapSSL(c, false, socket.SSLOptions{})
				l.must(err)
			})
			w, err := socket.WrapSSL(s, true, socket.SSLOptions{Key: block("EC PRIVATE KEY", me.keyDER()), Cert: me.certPEM()})
			l.must(err)
			shaken()
			wrapped = append(wrapped, w)
		}
		before := heapNow()
		var all sync.WaitGroup
		for _, w := range wrapped {
			all.Go(func() { w.ReadSize(100_000) })
		}
		l.until("calls that sleep", func() bool { return strings.Count(stacks.All(), "Sleeper).Sleep(") == calls })
		held := (int64(heapNow()) - int64(before)) / int64(calls)
		for _, w := range wrapped {
			w.Close()
		}
		all.Wait()
		if held > most {
			t.Errorf("a call that waits holds %d bytes, want at most %d", held, most)
		}
	})
}

func heapNow() uint64 {
	runtime.GC()
	runtime.GC() // only the second collection frees the memory of a sync.Pool
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// An echo of 64 bytes over TLS makes few allocations, most of them in crypto/tls.
func TestSSLEchoAllocatesLittle(t *testing.T) {
	if raceEnabled || !longtest.Measures(t) {
		return
	}
	parked(t, func(l *lab) {
		const most = 7
		me := issue(t, nil, &x509.Certificate{})
		c, s := l.pair()
		echo := l.beside(func(l *lab) {
			far, err := socket.WrapSSL(s, true, socket.SSLOptions{Key: me.keyDER(), Cert: me.certPEM()})
			l.must(err)
			p := make([]byte, 64)
			for n, err := far.ReadInto(p); n == len(p) && err == nil; n, err = far.ReadInto(p) {
				_, err = far.Write(p)
				l.must(err)
			}
		})
		near, err := socket.WrapSSL(c, false, socket.SSLOptions{})
		l.must(err)
		p := make([]byte, 64)
		if n := testing.AllocsPerRun(100, func() {
			_, err := near.Write(p)
			l.must(err)
			_, err = near.ReadInto(p)
			l.must(err)
		}); n > most {
			t.Errorf("%v allocations for a message, want at most %d", n, most)
		}
		l.must(near.Close())
		echo()
	})
}
