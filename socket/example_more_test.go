//go:build unix

package socket_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ureactor/ureactor/internal/selfsigned"
	"github.com/ureactor/ureactor/socket"
)

// getaddrinfo returns a list. Its addresses can be passed to Bind, Connect and SendTo.
func ExampleGetAddrInfo() {
	list, err := socket.GetAddrInfo("127.0.0.1", "80", socket.AF_INET, socket.SOCK_STREAM, 0, 0)
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range list {
		fmt.Println(a.Family == socket.AF_INET, a.Type == socket.SOCK_STREAM, a.Addr)
	}
	// Output: true true 127.0.0.1:80
}

// The error of a call has the same errno as MicroPython's OSError.
func ExampleOSError() {
	s, err := socket.New(socket.AF_INET, socket.SOCK_STREAM, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	_, err = s.Recv(10) // the socket is not connected
	var e *socket.OSError
	fmt.Println(errors.As(err, &e), errors.Is(err, syscall.ENOTCONN))
	// Output: true true
}

// Both ends of a connection use TLS, as with MicroPython's ssl.wrap_socket.
func ExampleWrapSSL() {
	cert, key := certificate()
	client, server := connectedPair()
	go func() {
		s, err := socket.WrapSSL(server, true, socket.SSLOptions{Key: key, Cert: cert})
		if err != nil {
			log.Fatal(err)
		}
		defer s.Close()
		line, _ := s.ReadLine()
		_, _ = s.Write(append([]byte("you said "), line...))
	}()
	s, err := socket.WrapSSL(client, false, socket.SSLOptions{
		CertReqs: socket.CERT_REQUIRED, CAData: cert, ServerHostname: "localhost",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	_, _ = s.Write([]byte("hello\n"))
	line, err := s.ReadLine()
	fmt.Printf("%s%v", line, err)
	// Output:
	// you said hello
	// <nil>
}

// certificate returns a certificate for localhost and its key, both in PEM.
func certificate() (cert, key []byte) {
	c, err := selfsigned.New("localhost")
	if err != nil {
		log.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		log.Fatal(err)
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// connectedPair returns the two ends of one connection.
func connectedPair() (client, server *socket.Socket) {
	l, err := socket.New(socket.AF_INET, socket.SOCK_STREAM, 0)
	if err == nil {
		err = errors.Join(l.Bind(socket.Tuple("127.0.0.1", 0)), l.Listen(socket.DefaultBacklog))
	}
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	if client, err = socket.New(socket.AF_INET, socket.SOCK_STREAM, 0); err != nil {
		log.Fatal(err)
	}
	addr, err := l.LocalAddr()
	if err == nil {
		err = client.Connect(addr)
	}
	if err == nil {
		server, _, err = l.Accept()
	}
	if err != nil {
		log.Fatal(err)
	}
	return client, server
}

// A descriptor is passed to another process over a Unix socket, with at least one byte of data. In
// this example both ends are in one process.
func ExampleMessage() {
	dir, err := os.MkdirTemp("", "message")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	open := func() *socket.Socket {
		s, err := socket.New(socket.AF_UNIX, socket.SOCK_DGRAM, 0)
		if err != nil {
			log.Fatal(err)
		}
		return s
	}
	in, out := open(), open()
	defer in.Close()
	defer out.Close()
	at := socket.Path(filepath.Join(dir, "s"))
	if err := in.Bind(at); err != nil {
		log.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := out.SendMsg([]byte("a pipe"), socket.Rights(int(w.Fd())), 0, at); err != nil {
		log.Fatal(err)
	}
	w.Close() // the message has its own reference

	p := make([]byte, 100)
	var m socket.Message
	n, m, err := in.RecvMsg(p, 100, 0)
	if err != nil {
		log.Fatal(err)
	}
	for _, fd := range m.Rights() {
		f := os.NewFile(uintptr(fd), string(p[:n]))
		fmt.Fprintln(f, "hello through", f.Name())
		f.Close()
	}
	text, _ := io.ReadAll(r)
	fmt.Print(string(text))
	// Output: hello through a pipe
}
