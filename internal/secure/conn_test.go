package secure

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/internal/secure/forge"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// An end is a kernel for one connection in memory. It appends sent bytes to out, unless full is
// set.
type end struct {
	kernel.Kernel
	in, out *bytes.Buffer
	full    bool
}

func (k *end) Recv(_ int, p []byte, _ int) (int, kernel.Errno) {
	n, err := k.in.Read(p)
	if err == io.EOF {
		return 0, kernel.EAGAIN
	}
	return n, 0
}

func (k *end) Send(_ int, p []byte, _ int) (int, kernel.Errno) {
	if k.full {
		return 0, kernel.EAGAIN
	}
	k.out.Write(p)
	return len(p), 0
}

func (k *end) Close(int) kernel.Errno { return 0 }

// A scene is a server's Conn in memory after its handshake, and the client's side, which the test
// controls.
type scene struct {
	*Conn
	k      *end
	other  *Conn         // the client's Conn
	client *forge.Sealer // with TLS 1.3: continues in place of the client's Conn
}

func newScene(t *testing.T) scene { return newSceneOf(t, tls.VersionTLS13) }

func newSceneOf(t *testing.T, version uint16, change ...func(client *tls.Config)) scene {
	t.Helper()
	return newSceneOn(t, desc.Parked, version, change...)
}

// newSceneOn makes a scene whose server's Desc has the Waiter w.
func newSceneOn(t *testing.T, w desc.Waiter, version uint16, change ...func(client *tls.Config)) scene {
	t.Helper()
	up, down := new(bytes.Buffer), new(bytes.Buffer)
	k := &end{Kernel: kernel.Host, in: up, out: down}
	cfg := &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
	s := scene{Conn: NewConn(desc.New(k, 1<<20, w), k, nil, nil, nil, cfg, true), k: k}
	t.Cleanup(func() { s.desc.Close() })
	var secrets strings.Builder
	other := &end{Kernel: kernel.Host, in: down, out: up}
	client := &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, KeyLogWriter: &secrets}
	for _, f := range change {
		f(client)
	}
	c := NewConn(desc.New(other, 1<<20, desc.Parked), other, nil, nil, nil, client, false)
	for !c.handshakeDone.Load() || !s.handshakeDone.Load() {
		c.Handshake(&desc.Call{})
		s.Handshake(&desc.Call{})
	}
	if s.other = c; version != tls.VersionTLS13 {
		t.Cleanup(func() { c.desc.Close() })
		return s
	}
	state, _ := s.State()
	if state.CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skip("this machine prefers another cipher than the peer knows")
	}
	var err error
	s.client, err = forge.New(secrets.String(), false)
	must(t, err)
	return s
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, leaf, leaf, key.Public(), key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{cert}, PrivateKey: key}
}

// A peer requests new keys with every byte that it sends, and never reads the answers. At most
// maxOut bytes of answers are stored, plus the answers of one Read. Then a Read returns
// ErrUnanswered and receives nothing. When the peer reads the answers, the connection continues.
func TestAnswersAreBounded(t *testing.T) {
	if !longtest.Default(t, "20,000 records") {
		return
	}
	s := newScene(t)
	s.k.full = true
	room := make([]byte, 100)
	const size = 10_000
	for i := range size {
		s.k.in.Write(s.client.KeyUpdate())
		s.k.in.Write(s.client.Seal(forge.Application, []byte{byte(i)}))
	}
	got := 0
	read := func() (err error) {
		for n := 0; got < size && err == nil; got += n {
			if n, err = s.Read(&desc.Call{}, room); n > 0 && room[0] != byte(got) {
				t.Fatalf("byte %d is %d", got, room[0])
			}
		}
		return err
	}
	for range 2 {
		if err := read(); err != ErrUnanswered || !s.buffered() {
			t.Errorf("after %d bytes: %v", got, err)
		}
	}
	if n := len(s.out); n > maxOut+1000 {
		t.Errorf("%d bytes of answers wait, more than %d", n, maxOut)
	}
	all := s.out
	if s.setOut(all[:maxOut]); s.outputFull() {
		t.Errorf("%d bytes are too many", maxOut)
	}
	s.setOut(all)
	s.k.full = false
	if err := read(); err != nil || got != size {
		t.Errorf("after the answers: %d bytes, %v", got, err)
	}
	if _, err := s.Write(&desc.Call{}, room); err != nil {
		t.Error(err)
	}
}

// A Read that waits until its peer reads the answers ends at the deadline for In, at the latest.
func TestReadDeadlineEndsTheWaitForAnswers(t *testing.T) {
	s := newScene(t)
	s.k.full = true
	s.setOut(make([]byte, maxOut+1))
	w := &oneSleep{Waiter: desc.Parked}
	s.desc.Waiter = w
	at := s.desc.Kernel.Now() + timeout.Deadline(time.Hour)
	s.desc.SetDeadline(desc.In, at)
	n, err := s.Read(&desc.Call{Limit: timeout.None}, make([]byte, 1))
	if n != 0 || err != kernel.ETIMEDOUT || w.until != at {
		t.Errorf("%d, %v; the deadline of the wait is %v, want %v", n, err, w.until, at)
	}
}

// oneSleep is a Waiter that stores the deadline of a sleep. The sleep ends at once, as if the
// deadline had passed.
type oneSleep struct {
	desc.Waiter
	until timeout.Deadline
}

func (w *oneSleep) Sleeper() (desc.Sleeper, desc.Errno)             { return w, 0 }
func (w *oneSleep) Register(*desc.Desc, poller.Interest) desc.Errno { return 0 }
func (w *oneSleep) Rearm(*desc.Desc, poller.Interest) desc.Errno    { return 0 }
func (w *oneSleep) Unregister(*desc.Desc)                           {}
func (w *oneSleep) Wake()                                           {}
func (w *oneSleep) Unwind(desc.Dir)                                 {}

func (w *oneSleep) Sleep(_ desc.Dir, until timeout.Deadline) desc.Errno {
	w.until = until
	return kernel.ETIMEDOUT
}

// A call that does not wait decrypts a bounded number of records, even if the records have few
// bytes. Before each byte the peer sends as many KeyUpdates as crypto/tls allows in a row. There
// are more bytes than a call may return. Line makes one try of many bytes, so it must count the
// records of all these bytes.
func TestRecordsOfACallAreBounded(t *testing.T) {
	const each, most = 17, 300 // a budget of 128 pieces, twice, plus the records of the last byte
	for name, read := range map[string]func(*desc.Desc, *desc.Call, desc.Receive) ([]byte, desc.Errno){
		"size": func(d *desc.Desc, c *desc.Call, recv desc.Receive) ([]byte, desc.Errno) {
			return d.Gather(c, 1<<20, recv)
		},
		"line": func(d *desc.Desc, c *desc.Call, recv desc.Receive) ([]byte, desc.Errno) {
			return d.Line(c, 1<<20, false, recv)
		},
	} {
		s := newScene(t)
		for range 60 {
			for range each - 1 {
				s.k.in.Write(s.client.KeyUpdate())
			}
			s.k.in.Write(s.client.Seal(forge.Application, []byte("x")))
		}
		for range 3 {
			call := desc.Call{}
			r, err := s.Reads(&call)
			if err != nil {
				t.Fatal(err)
			}
			p, e := read(s.desc, &call, r.Recv)
			if err := r.End(e); err != nil || len(p) == 0 || len(p)*each > most {
				t.Errorf("%s: %d bytes, %d records, %v; want no more than %d records", name, len(p), len(p)*each, err, most)
			}
		}
	}
}

// An error that ends reading is returned by every later Read. This holds for an error that
// crypto/tls does not store. It also holds if Peek has read the byte before the error.
func TestWhatEndsReadingIsKept(t *testing.T) {
	for _, peeked := range []bool{false, true} {
		s := newScene(t)
		s.k.in.Write(s.client.Seal(forge.Application, []byte("x")))
		if peeked {
			if !s.buffered() {
				t.Fatal("nothing is there")
			}
			if n, err := s.session.Read(nil); n != 0 || err != nil {
				t.Errorf("a Read of nothing: %d, %v", n, err)
			}
		}
		// a Finished message, which TLS forbids after the handshake
		s.k.in.Write(s.client.Seal(forge.Handshake, []byte{20, 0, 0, 0}))
		room := make([]byte, 100)
		if n, err := s.Read(&desc.Call{}, room); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		for range 2 {
			n, err := s.Read(&desc.Call{}, room)
			if n != 0 || err == nil || err == kernel.EAGAIN {
				t.Errorf("peeked %v: after what TLS does not allow: %d, %v", peeked, n, err)
			}
		}
	}
}

// A callback of the config may close its own connection, in the middle of a try. Close does not
// wait for that try. When the try ends, the strand ends, and later calls return EBADF.
func TestCloseInsideATry(t *testing.T) {
	k := &closing{end: end{Kernel: kernel.Host, in: new(bytes.Buffer), out: new(bytes.Buffer)}}
	d := desc.New(k, 1<<20, desc.Parked)
	k.d = d
	c := NewConn(d, k, nil, nil, nil, &tls.Config{InsecureSkipVerify: true}, false)
	for range 2 {
		if err := c.Handshake(&desc.Call{Limit: timeout.None}); err != kernel.EBADF {
			t.Errorf("%v, want EBADF", err)
		}
	}
	if c.session.strand != nil {
		t.Error("the strand is there still")
	}
}

type closing struct {
	end
	d *desc.Desc
}

func (k *closing) Recv(int, []byte, int) (int, kernel.Errno) {
	k.d.Close()
	return 0, kernel.EAGAIN
}
