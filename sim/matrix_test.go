package sim_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
)

var matrixOnly = flag.String("matrix.only", "", "run one `fault` of the matrix, as it prints them, with its trace")

// A program of the matrix makes its servers and clients in a world. sut returns the host at which
// the faults happen.
type program struct {
	name  string
	build func(l *load)
	sut   func(l *load) *sim.Host
	opt   sim.Options
}

func theServer(l *load) *sim.Host { return l.servers[0] }
func aClient(l *load) *sim.Host   { return l.clients[0] }

var programs = []program{
	{"echo by callbacks", matrixOf((*load).callbackServer, 0, 1, 3), theServer, sim.Options{}},
	{"echo by callbacks, level-triggered", matrixOf((*load).callbackServer, 0, 1, 3), theServer, sim.Options{ShortReads: true, Buffer: 2048}},
	{"echo by tasks", matrixOf((*load).taskServer, 0, 1, 3), theServer, sim.Options{}},
	{"echo by tasks, reads come up short", matrixOf((*load).taskServer, 0, 1, 3), theServer, sim.Options{ShortReads: true}},
	{"echo by net.Conn", matrixOf((*load).netServer, 0, 1, 3), theServer, sim.Options{}},
	{"echo by a Poll", matrixOf((*load).pollServer, 0, 1, 3), theServer, sim.Options{}},
	{"echo by a Poll on FreeBSD", matrixOf((*load).pollServer, 0, 1, 3), theServer, sim.Options{Kernel: sim.FreeBSD}},
	{"echo by a Poll on NetBSD", matrixOf((*load).pollServer, 0, 1, 3), theServer, sim.Options{Kernel: sim.NetBSD}},
	{"echo by callbacks on FreeBSD", matrixOf((*load).callbackServer, 0, 1, 3), theServer, sim.Options{Kernel: sim.FreeBSD, Buffer: 2048}},
	{"chat over a Poll", matrixChat, theServer, sim.Options{Buffer: 1024}},
	{"chat over a Poll on FreeBSD", matrixChat, theServer, sim.Options{Buffer: 1024, Kernel: sim.FreeBSD}},
	{"echo of datagrams", matrixOf((*load).packetServer, 4, 4), theServer, sim.Options{}},
	{"echo in TLS", matrixTLS, theServer, sim.Options{}},
	{"dial by Conns", matrixOf((*load).taskServer, 0, 1), aClient, sim.Options{}},
	{"echo in TLS, reads come up short", matrixTLS, theServer, sim.Options{ShortReads: true}},
	{"dial by Conns, TLS", matrixTLS, aClient, sim.Options{}},
	{"dial by tasks", matrixOf((*load).callbackServer, 3, 3), aClient, sim.Options{Buffer: 1024}},
	{"dial by tasks on NetBSD", matrixOf((*load).callbackServer, 3, 3), aClient, sim.Options{Buffer: 1024, Kernel: sim.NetBSD}},
	{"ask by datagrams", matrixOf((*load).packetServer, 4), aClient, sim.Options{}},
	{"drain", matrixOf((*load).slowServer, 0, 0, 0), theServer, sim.Options{Buffer: 2048}},
}

// matrixOf makes one server, and a client for each style (see load.client) with nine calls.
func matrixOf(serve func(*load, *sim.Host, *reactor.Reactor) error, styles ...int) func(l *load) {
	return func(l *load) {
		h := l.w.Host("10.0.0.1")
		l.servers = append(l.servers, h)
		l.boot(h, "server", func(h *sim.Host, r *reactor.Reactor) error { return serve(l, h, r) })
		for n, style := range styles {
			h := l.w.Host(fmt.Sprintf("10.0.1.%d", n+1))
			l.clients = append(l.clients, h)
			i := 5*n + style // client derives the style from i
			for len(l.left) <= i {
				l.left = append(l.left, 0)
			}
			l.left[i] = 9
			l.boot(h, "client", func(h *sim.Host, r *reactor.Reactor) error { return l.client(i, h, r) })
		}
	}
}

func matrixTLS(l *load) {
	l.secure = true
	matrixOf((*load).callbackServer, 0, 1)(l)
	for i := range l.left {
		l.left[i] /= 2 // key exchanges take time
	}
}

// runMatrix runs a program once. It returns an error unless every call succeeds and nothing is left
// open.
func runMatrix(p *program, w *sim.World, inject func(*load)) error {
	l := &load{w: w, ends: map[string]error{}, strict: true, matrix: true, loops: map[*sim.Host]*reactor.Reactor{}, drains: map[*reactor.Reactor]bool{}}
	p.build(l)
	inject(l)
	if err := w.RunUntil(l.served, peaceTime); err != nil {
		return fmt.Errorf("left to do: %v: %w", l.left, err)
	}
	l.over = true
	w.At(time.Second, l.drain) // by then no call is in progress, and the test has no armed timer
	if err := w.RunUntilDone(peaceTime); err != nil {
		return err
	}
	return l.verdict()
}

// The test runs a program for each kernel call that it makes, for each error and short result of
// this call, and for each of its first 64 uses. Without -long only a sample of these runs is made.
// After each run all data has been delivered, and every operation has ended once. Nothing hangs or
// panics, and no descriptor is left. If Closed reports that all output was delivered, that must be
// true.
func TestFaultMatrix(t *testing.T) {
	if testing.Short() && race || !longtest.Default(t, "many worlds") {
		return // the goroutines of a world run in turn, so the detector would find nothing
	}
	faults := 0
	for i := range programs {
		p := &programs[i]
		n, found := matrix(t, p)
		faults += n
		t.Logf("%s: %d faults", p.name, n)
		if found > 0 {
			t.Errorf("%s: %d of %d faults", p.name, found, n)
		}
	}
	t.Logf("%d faults", faults)
	if faults < 10_000 && *matrixOnly == "" && longtest.On() && !race {
		t.Errorf("%d faults, want 10,000", faults)
	}
}

// matrix tests one program. It returns how many faults it has tried, and how many of them made a
// run fail.
func matrix(t *testing.T, p *program) (faults, failed int) {
	counts, err := once(p, nil, nil)
	if err != nil {
		t.Fatalf("%s without a fault: %v", p.name, err)
	}
	index := 0
	for _, c := range sim.Calls() {
		for _, f := range results(c) {
			for n := 1; n <= min(counts[c], 64); n++ {
				index++
				if !wanted(n, index) {
					continue
				}
				f.Nth = n
				name := fmt.Sprintf("%s/%v/%v/%d", p.name, c, resultName(f), n)
				if *matrixOnly != "" && *matrixOnly != name {
					continue
				}
				faults++
				_, err := once(p, &f, nil)
				if err == nil {
					continue
				}
				if failed++; failed <= 3 || *matrixOnly != "" {
					var trace bytes.Buffer
					_, err = once(p, &f, &trace)
					t.Errorf("%v\n%s\nreplay: go test -run TestFaultMatrix ./sim -matrix.only '%s'", err, trace.String(), name)
				}
			}
		}
	}
	return faults, failed
}

// wanted selects faults. With -long it selects all, and with -short a sample. Otherwise it selects
// the first call of each kind and a sample of the later calls, which is different for each kind.
func wanted(n, index int) bool {
	if *matrixOnly != "" {
		return true
	}
	if race {
		return n == 1 || index%longtest.Count(64, 32, 8) == 0
	}
	if testing.Short() {
		return index%20 == 0
	}
	return n == 1 || index%longtest.Count(0, 96, 1) == 0
}

// results returns the errors and short results that a fault can make a call return.
func results(c sim.Call) (list []sim.Injection) {
	for _, e := range c.Errors() {
		list = append(list, sim.Injection{Call: c, Errno: e})
	}
	if c.Agains() {
		list = append(list, sim.Injection{Call: c, Errno: kernel.EAGAIN})
	}
	if c.Shorts() {
		list = append(list, sim.Injection{Call: c, Short: 1})
	}
	return list
}

func resultName(f sim.Injection) string {
	if f.Short > 0 {
		return "short"
	}
	return sim.ErrnoName(f.Errno)
}

// once makes one run, with one fault or none, and returns how often each call was made.
func once(p *program, f *sim.Injection, trace io.Writer) (counts map[sim.Call]int, err error) {
	opt := p.opt
	if trace != nil {
		opt.Trace = 60
	}
	w := sim.New(1, opt)
	var sut *sim.Host
	err = runMatrix(p, w, func(l *load) {
		sut = p.sut(l)
		l.crashed = sut != l.servers[0] // the fault may hit a client, so a call may end early
		if f != nil {
			sut.Inject(*f)
		}
	})
	if err == nil && f != nil && w.Injected() == 0 {
		err = fmt.Errorf("the fault did not happen")
	}
	counts = map[sim.Call]int{}
	for _, c := range sim.Calls() {
		counts[c] = sut.Count(c)
	}
	if trace != nil {
		if e := w.WriteTrace(trace); e != nil {
			return nil, e
		}
	}
	w.Close()
	return counts, err
}

// netServer is an echo server of net.Conns in tasks.
func (l *load) netServer(h *sim.Host, r *reactor.Reactor) error {
	r.Go(func(t *reactor.Task) {
		for {
			ln, err := netconn.On(r).Listen("tcp", ":7")
			if err != nil {
				l.sane(err)
				if t.Sleep(20*time.Millisecond) != nil {
					return
				}
				continue
			}
			l.netAccepts(t, h, ln)
			return
		}
	})
	return nil
}

// netPatience is how long a server of net.Conns waits for input.
const netPatience = 15 * time.Second

func (l *load) netAccepts(t *reactor.Task, h *sim.Host, ln net.Listener) {
	defer ln.Close()
	for {
		c, err := ln.Accept()
		if err != nil {
			l.sane(err)
			if errors.Is(err, kernel.ECANCELED) || t.Sleep(10*time.Millisecond) != nil {
				return
			}
			continue
		}
		t.Go(func(*reactor.Task) {
			defer c.Close()
			buf := make([]byte, 4<<10)
			for {
				from := h.Now()
				c.SetReadDeadline(h.Time().Add(netPatience))
				n, err := c.Read(buf)
				if errors.Is(err, os.ErrDeadlineExceeded) {
					l.late(h, "Read", from, netPatience)
				}
				if n > 0 {
					_, e := c.Write(buf[:n])
					err = errors.Join(err, e)
				}
				if err == io.EOF {
					return
				}
				if err != nil {
					l.sane(err)
					c.(*netconn.Conn).SetLinger(0)
					return
				}
			}
		})
	}
}

// slowServer drains itself during its first calls. It must deliver the accepted data, or
// report the loss.
func (l *load) slowServer(h *sim.Host, r *reactor.Reactor) error {
	if err := l.callbackServer(h, r); err != nil {
		return err
	}
	if !l.drained {
		r.After(4*time.Millisecond, func() { l.drained = true; r.Close() })
	}
	return nil
}

// listenTLS returns the option for a server with TLS if secure is set. dialTLS does the same for a
// client.
func listenTLS(secure bool) []reactor.ListenOption {
	if !secure {
		return nil
	}
	return []reactor.ListenOption{netconn.WithTLS(&tls.Config{
		Certificates:     []tls.Certificate{testCertificate},
		CurvePreferences: []tls.CurveID{tls.X25519},
	})}
}

func dialTLS(secure bool) []reactor.DialOption {
	if !secure {
		return nil
	}
	return []reactor.DialOption{netconn.WithTLS(&tls.Config{
		InsecureSkipVerify: true,
		CurvePreferences:   []tls.CurveID{tls.X25519},
	})}
}

// testCertificate has signatures of a fixed size, so that histories do not differ in sizes.
var testCertificate = func() tls.Certificate {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	from := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: from.AddDate(500, 0, 0)}
	der, err := x509.CreateCertificate(nil, c, c, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}()
