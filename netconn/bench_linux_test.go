package netconn_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// cpu returns the CPU time of the process so far, in nanoseconds. Client and server run in this
// process, and the client needs the same time in all benchmarks. So the true ratio of two servers
// is larger than the ratio of these figures.
func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHTTPHello serves HTTP/1.1 over 50 open connections, once with a listener of package net
// and once with one of netconn.
func BenchmarkHTTPHello(b *testing.B) {
	for name, listen := range map[string]func(string, string) (net.Listener, error){"net": net.Listen, "netconn": netconn.Listen} {
		b.Run(name, func(b *testing.B) {
			l, err := listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })}
			go s.Serve(l)
			defer s.Close()
			conns := connect(b, 50, func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) })
			measure(b, conns, func(c net.Conn, in *bufio.Reader) error {
				if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
					return err
				}
				for {
					line, err := in.ReadSlice('\n')
					if err != nil {
						return err
					}
					if len(line) == 2 {
						_, err = in.Discard(5)
						return err
					}
				}
			})
		})
	}
}

// BenchmarkTLSEcho echoes 64 bytes over each of 1,000 TLS connections. Its servers are crypto/tls
// on package net, in goroutines, and netconn in tasks and in callbacks.
func BenchmarkTLSEcho(b *testing.B) {
	servers := map[string]func(b *testing.B) net.Addr{
		"net": func(b *testing.B) net.Addr {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { l.Close() })
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go echoLoop(tls.Server(c, serverConfig()))
				}
			}()
			return l.Addr()
		},
		"task": func(b *testing.B) net.Addr {
			r := start(b)
			at := make(chan net.Addr)
			r.Post(func() {
				r.Go(func(t *reactor.Task) {
					l, err := netconn.On(r).Listen("tcp", "127.0.0.1:0")
					if err != nil {
						panic(err)
					}
					defer l.Close()
					at <- l.Addr()
					for {
						c, err := l.Accept()
						if err != nil {
							return
						}
						t.Go(func(*reactor.Task) { echoLoop(netconn.Server(c, serverConfig())) })
					}
				})
			})
			return <-at
		},
		"callback": func(b *testing.B) net.Addr {
			return serveTLS(b, start(b), func() reactor.Handler { return &events{data: echoBack} })
		},
	}
	for name, serve := range servers {
		b.Run(name, func(b *testing.B) {
			at := serve(b)
			cfg := clientConfig()
			conns := connect(b, 1000, func() (net.Conn, error) { return tls.Dial("tcp", at.String(), cfg) })
			p := noise(64)
			measure(b, conns, func(c net.Conn, in *bufio.Reader) error {
				if _, err := c.Write(p); err != nil {
					return err
				}
				_, err := in.Discard(len(p))
				return err
			})
		})
	}
}

func echoLoop(c net.Conn) {
	defer c.Close()
	p := make([]byte, 4096)
	for {
		n, err := c.Read(p)
		if err != nil {
			return
		}
		if _, err := c.Write(p[:n]); err != nil {
			return
		}
	}
}

func connect(b *testing.B, n int, dial func() (net.Conn, error)) (conns []net.Conn) {
	b.Helper()
	for range n {
		c, err := dial()
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Close() })
		conns = append(conns, c)
	}
	return conns
}

// measure makes b.N round trips over all connections, 50 at the same time.
func measure(b *testing.B, conns []net.Conn, trip func(net.Conn, *bufio.Reader) error) {
	b.Helper()
	var all sync.WaitGroup
	var done atomic.Int64
	const at = 50
	part := len(conns) / at
	readers := make([]*bufio.Reader, len(conns))
	for i, c := range conns {
		readers[i] = bufio.NewReader(c)
	}
	b.ResetTimer()
	from := cpu()
	for w := range at {
		all.Go(func() {
			for i := 0; done.Add(1) <= int64(b.N); i++ {
				k := w*part + i%part
				if err := trip(conns[k], readers[k]); err != nil {
					panic(fmt.Sprint("round trip: ", err))
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric((cpu()-from)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "trips/s")
}
