package kit

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"flag"
	"math/big"
	"net"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
)

// A Net has the functions with which a program uses the network. They are from package net or from
// netconn.
type Net struct {
	Name         string
	Listen       func(network, address string) (net.Listener, error)
	ListenPacket func(network, address string) (net.PacketConn, error)
	Dial         func(ctx context.Context, network, address string) (net.Conn, error)
}

// Both has the Net of package net and the Net of netconn.
var Both = []Net{
	{"net", net.Listen, net.ListenPacket, (&net.Dialer{}).DialContext},
	{"netconn", netconn.Listen, netconn.ListenPacket, netconn.DialContext},
}

var rounds = flag.Int("rounds", 1, "how often each program runs over each package; more give a ratio that means something")

// Same runs f over both Nets alternately. f must succeed over both. Same logs ratios of the costs,
// netconn's to package net's. The costs are wall time, and CPU time of this process.
func Same(t *testing.T, f func(n Net) error) {
	t.Helper()
	var wall, cost [2][]float64
	for round := range *rounds {
		for i := range Both {
			i ^= round & 1 // the first Net changes with each round
			runtime.GC()
			began, spent := time.Now(), cpu()
			if err := f(Both[i]); err != nil {
				t.Errorf("over %s: %v", Both[i].Name, err)
			}
			wall[i] = append(wall[i], time.Since(began).Seconds())
			cost[i] = append(cost[i], (cpu() - spent).Seconds())
		}
	}
	t.Logf("netconn ÷ net, %d rounds: wall %.2f (%.2f s), CPU %.2f (%.2f s)", *rounds,
		median(wall[1])/median(wall[0]), median(wall[1]), median(cost[1])/median(cost[0]), median(cost[1]))
}

func cpu() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// TLS returns the configurations of a server and a client for "localhost" and 127.0.0.1.
func TLS(protos ...string) (server, client *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour * 24),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: protos},
		&tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: protos}
}

// Settle waits until there are at most n goroutines, but at most a second. It returns their number.
func Settle(n int) int {
	for i := 0; i < 100 && runtime.NumGoroutine() > n; i++ {
		time.Sleep(10 * time.Millisecond)
	}
	return runtime.NumGoroutine()
}
