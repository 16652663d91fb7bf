//go:build unix

package socket_test

import (
	"fmt"
	"log"

	"github.com/ureactor/ureactor/socket"
)

// The first address of the list that works is taken.
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
			continue // the next one
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

// An SSLSocket takes the place of its Socket: it reads and writes, and closes both.
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
	// Output: TLS 1.3 hello over TLS <nil>
}

// Messages of ten bytes are read whole by an Input, which reads any DataReader.
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
