package dns

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/tests/programs/kit"
)

func handler(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(q)
	for i := 0; i < int(q.Id)%30+1; i++ {
		m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(127, 0, 0, byte(i))})
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		m.Truncate(1232)
	}
	w.WriteMsg(m)
}

func serve(n kit.Net, addr string) (udp, tcp *dns.Server, err error) {
	var pc net.PacketConn
	var l net.Listener
	for try := 0; try < 20; try++ { // UDP and TCP use the same port
		if pc, err = n.ListenPacket("udp", addr); err != nil {
			return
		}
		if l, err = n.Listen("tcp", pc.LocalAddr().String()); err == nil {
			break
		}
		pc.Close()
	}
	if err != nil {
		return
	}
	udp = &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(handler)}
	tcp = &dns.Server{MaxTCPQueries: -1, Listener: l, Handler: dns.HandlerFunc(handler)}
	up := make(chan bool, 2)
	udp.NotifyStartedFunc = func() { up <- true }
	tcp.NotifyStartedFunc = udp.NotifyStartedFunc
	for _, s := range []*dns.Server{udp, tcp} {
		go func() {
			if err := s.ActivateAndServe(); err != nil {
				fmt.Println(n.Name, "serve:", err)
			}
		}()
	}
	<-up
	<-up
	return
}

func run(n kit.Net, network string, each bool) error {
	udp, tcp, err := serve(n, "127.0.0.1:0")
	if err != nil {
		return err
	}
	addr := udp.PacketConn.LocalAddr().String()
	var wg sync.WaitGroup
	errs := make(chan error, 20)
	queries := 10000
	if each {
		queries = 2000
	}
	for w := 0; w < 10; w++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c := &dns.Client{Net: network, Timeout: time.Minute, UDPSize: 1232}
			var conn *dns.Conn
			for i := 0; i < queries/10; i++ {
				if conn == nil || each {
					nc, err := n.Dial(context.Background(), network, addr)
					if err != nil {
						errs <- err
						return
					}
					conn = &dns.Conn{Conn: nc, UDPSize: 1232}
				}
				q := new(dns.Msg)
				q.SetQuestion("a.host.example.org.", dns.TypeA)
				q.SetEdns0(1232, false)
				a, _, err := c.ExchangeWithConn(q, conn)
				if err != nil || len(a.Answer) != int(q.Id)%30+1 {
					errs <- fmt.Errorf("query %d: %v", i, err)
					return
				}
				if each {
					conn.Close()
				}
			}
			if conn != nil {
				conn.Close()
			}
		}()
	}
	wg.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, s := range []*dns.Server{udp, tcp} {
		if err := s.ShutdownContext(ctx); err != nil {
			return fmt.Errorf("shutdown: %w", err)
		}
	}
	close(errs)
	return <-errs
}

// A server and a client of miekg/dns give the same results as over package net: 10,000 queries over
// UDP and TCP, on ten sockets or on one socket for each query.
func TestDNS(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		for _, each := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, a socket each %v", network, each), func(t *testing.T) {
				kit.Same(t, func(n kit.Net) error { return run(n, network, each) })
			})
		}
	}
}

// A server at the wildcard address answers from the address that the client has asked, even if that
// is the machine's second address.
func TestSecondAddressIsAnswered(t *testing.T) {
	kit.Same(t, func(n kit.Net) error {
		udp, tcp, err := serve(n, ":0")
		if err != nil {
			return err
		}
		defer udp.Shutdown()
		defer tcp.Shutdown()
		_, port, _ := net.SplitHostPort(udp.PacketConn.LocalAddr().String())
		c := dns.Client{Timeout: time.Minute, UDPSize: 1232}
		for _, at := range []string{"127.0.0.1", "127.0.0.2"} {
			if _, _, err = c.Exchange(new(dns.Msg).SetQuestion("a.example.org.", dns.TypeA), at+":"+port); err != nil {
				return fmt.Errorf("at %s: %w", at, err)
			}
		}
		return nil
	})
}

// dnsperf loses no query: over UDP at the machine's first and second address, and over TCP.
func TestDNSPerf(t *testing.T) {
	dnsperf := kit.Program(t, "dnsperf", "dnsperf")
	queries := filepath.Join(t.TempDir(), "queries")
	if err := os.WriteFile(queries, []byte(strings.Repeat("a.host.example.org A\n", 5000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range [][2]string{{"udp", "127.0.0.1"}, {"udp", "127.0.0.2"}, {"tcp", "127.0.0.1"}} {
		t.Run(test[0]+" at "+test[1], func(t *testing.T) {
			kit.Same(t, func(n kit.Net) error {
				udp, tcp, err := serve(n, "0.0.0.0:0")
				if err != nil {
					return err
				}
				defer udp.Shutdown()
				defer tcp.Shutdown()
				_, port, _ := net.SplitHostPort(udp.PacketConn.LocalAddr().String())
				out, err := exec.Command(dnsperf, "-s", test[1], "-p", port, "-m", test[0], "-d", queries, "-n", "1", "-t", "20").CombinedOutput()
				if err != nil || !regexp.MustCompile(`Queries completed:\s+5000 \(100`).Match(out) || !regexp.MustCompile(`Queries lost:\s+0 `).Match(out) {
					return fmt.Errorf("%v\n%s", err, out)
				}
				return nil
			})
		})
	}
}
