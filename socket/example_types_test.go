//go:build unix

package socket_test

import (
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/ureactor/ureactor/socket"
)

// A client uses the first address of the list to which it can connect.
func ExampleAddrInfo() {
	addr, stop := server()
	defer stop()
	list, err := socket.GetAddrInfo("127.0.0.1", fmt.Sprint(addr.Port()), 0, socket.SOCK_STREAM, 0, 0)
	if err != nil {
		log.Fatal(err)
	}
	connect := func(a socket.AddrInfo) (*socket.Socket, error) {
		s, err := socket.New(a.Family, a.Type, a.Proto)
		if err != nil {
			return nil, err
		}
		if err := s.Connect(a.Addr); err != nil {
			s.Close()
			return nil, err
		}
		return s, nil
	}
	for _, a := range list {
		s, err := connect(a)
		if err != nil {
			continue // try the next address
		}
		defer s.Close()
		_, _ = s.SendAll([]byte("hello\n"))
		line, err := s.ReadLine()
		fmt.Printf("%s%v\n", line, err)
		break
	}
	// Output:
	// you said hello
	// <nil>
}

// An SSLSocket replaces its Socket: it reads and writes, and its Close closes both.
func ExampleSSLSocket() {
	cert, key := certificate()
	client, server := connectedPair()
	go func() {
		var s *socket.SSLSocket
		s, err := socket.WrapSSL(server, true, socket.SSLOptions{Key: key, Cert: cert})
		if err != nil {
			log.Fatal(err)
		}
		defer s.Close()
		_, _ = s.Write([]byte("hello over TLS"))
	}()
	s, err := socket.WrapSSL(client, false, socket.SSLOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	_, version := s.Cipher()
	text, err := s.ReadAll()
	fmt.Println(version, string(text), err)
	// Output: TLSv1.3 hello over TLS <nil>
}

// An SSLContext has settings for many connections. In this example both sides verify each other's
// certificate, and the client permits one cipher suite.
func ExampleSSLContext() {
	cert, key := certificate()
	server, err := socket.NewSSLContext(socket.PROTOCOL_TLS_SERVER)
	if err != nil {
		log.Fatal(err)
	}
	client, err := socket.NewSSLContext(socket.PROTOCOL_TLS_CLIENT)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range []*socket.SSLContext{server, client} {
		err = errors.Join(err, c.LoadCertChainData(cert, key), c.LoadVerifyLocations("", cert), c.SetVerifyMode(socket.CERT_REQUIRED))
	}
	if err := errors.Join(err, client.SetCiphers([]string{"TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384"})); err != nil {
		log.Fatal(err)
	}
	near, far := connectedPair()
	go func() {
		s, err := server.WrapSocket(far, socket.SSLWrap{ServerSide: true})
		if err != nil {
			log.Fatal(err)
		}
		_, _ = s.Write([]byte("hello"))
		_ = s.Close()
	}()
	s, err := client.WrapSocket(near, socket.SSLWrap{ServerHostname: "localhost"})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	text, err := s.ReadAll()
	suite, version := s.Cipher()
	fmt.Println(string(text), err)
	fmt.Println(suite, version)
	// Output:
	// hello <nil>
	// TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384 TLSv1.2
}

// A VerifyError says what is wrong with the peer's certificate. The socket is still open, so the
// caller must close it.
func ExampleVerifyError() {
	cert, key := certificate() // the certificate is for localhost
	client, server := connectedPair()
	defer client.Close()
	go func() {
		_, _ = socket.WrapSSL(server, true, socket.SSLOptions{Key: key, Cert: cert})
	}()
	c, err := socket.NewSSLContext(socket.PROTOCOL_TLS_CLIENT)
	if err == nil {
		err = c.LoadVerifyLocations("", cert)
	}
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.WrapSocket(client, socket.SSLWrap{ServerHostname: "example.org"})
	var refused *socket.VerifyError
	if errors.As(err, &refused) {
		fmt.Println(strings.TrimSpace(refused.Info()))
	}
	// Output: The certificate Common Name (CN) does not match with the expected CN
}

// An SSLStream is TLS on something that is not a Socket. Here it is on another TLS connection.
func ExampleSSLStream() {
	cert, key := certificate()
	client, server := connectedPair()
	inner := func(s *socket.SSLSocket, protocol int) *socket.SSLStream {
		c, err := socket.NewSSLContext(protocol)
		if err == nil && protocol == socket.PROTOCOL_TLS_SERVER {
			err = c.LoadCertChainData(cert, key)
		}
		if err == nil {
			err = c.LoadVerifyLocations("", cert)
		}
		if err != nil {
			log.Fatal(err)
		}
		stream, err := c.WrapStream(s, socket.SSLWrap{ServerSide: protocol == socket.PROTOCOL_TLS_SERVER, ServerHostname: "localhost"})
		if err != nil {
			log.Fatal(err)
		}
		return stream
	}
	go func() {
		outer, err := socket.WrapSSL(server, true, socket.SSLOptions{Key: key, Cert: cert})
		if err != nil {
			log.Fatal(err)
		}
		s := inner(outer, socket.PROTOCOL_TLS_SERVER)
		_, _ = s.Write([]byte("through two layers\n"))
		_ = s.Close()
	}()
	outer, err := socket.WrapSSL(client, false, socket.SSLOptions{})
	if err != nil {
		log.Fatal(err)
	}
	s := inner(outer, socket.PROTOCOL_TLS_CLIENT)
	defer s.Close()
	line, err := s.ReadLine()
	fmt.Printf("%s%v\n", line, err)
	// Output:
	// through two layers
	// <nil>
}

// An Input reads messages of ten bytes. It can read any DataReader.
func ExampleInput() {
	client, server := connectedPair()
	go func() {
		for _, piece := range []string{"what", " comes in ", "pieces"} {
			_, _ = client.Write([]byte(piece))
		}
		client.Close()
	}()
	defer server.Close()
	var from socket.DataReader = server
	in := socket.NewInput(from, 10)
	for {
		p, err := in.Next(10)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%q\n", p)
	}
	// Output:
	// "what comes"
	// " in pieces"
	// EOF
}
