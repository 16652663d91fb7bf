//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	// import select
	sel "github.com/ureactor/ureactor/select"
	// import socket
	"github.com/ureactor/ureactor/socket"
)

// def answer(line, began):
func answer(line []byte, began time.Time) []byte {
	// word = line.strip()
	word := bytes.TrimSpace(line)
	// if word == b"time":
	if string(word) == "time" {
		// return b"%d s\n" % (time.time() - began)
		return fmt.Appendf(nil, "%d s\n", int(time.Since(began).Seconds()))
	}
	// return line.upper()
	return bytes.ToUpper(line)
}

// def main(port):
func serve(port string) error {
	// addr = socket.getaddrinfo("127.0.0.1", port)[0][-1]
	list, err := socket.GetAddrInfo("127.0.0.1", port, 0, 0, 0, 0)
	if err != nil {
		return err
	}
	addr := list[0].Addr
	// server = socket.socket()
	server, err := socket.New(socket.AF_INET, socket.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer server.Close()
	// server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	if err := server.SetSockOpt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); err != nil {
		return err
	}
	// server.bind(addr)
	if err := server.Bind(addr); err != nil {
		return err
	}
	// server.listen(5)
	if err := server.Listen(5); err != nil {
		return err
	}
	// server.setblocking(False)
	if err := server.SetBlocking(false); err != nil {
		return err
	}
	// poller = select.poll()
	poller := sel.New()
	defer poller.Close()
	// poller.register(server, select.POLLIN)
	if err := poller.Register(server, sel.POLLIN); err != nil {
		return err
	}
	// began = time.time()
	began := time.Now()
	// print("listening on port", port)
	fmt.Println("listening on port", port)
	// while True:
	for {
		// for sock, events in poller.ipoll():
		ready, err := poller.IPoll(-1, 0)
		if err != nil {
			return err
		}
		for obj := range ready {
			sock := obj.(*socket.Socket)
			// if sock is server:
			if sock == server {
				// try:
				// client, peer = server.accept()
				client, _, err := server.Accept()
				// except OSError:
				if err != nil {
					// time.sleep(0.1)  # it was reset, or no descriptor is free for it
					time.Sleep(100 * time.Millisecond)
					// continue
					continue
				}
				// client.settimeout(2)  # a line that has begun has to end
				if err := client.SetTimeoutSeconds(2); err != nil {
					return err
				}
				// poller.register(client, select.POLLIN)
				if err := poller.Register(client, sel.POLLIN); err != nil {
					return err
				}
				// continue
				continue
			}
			// try:
			// line = sock.readline(1000)
			line, err := sock.ReadLineMax(1000)
			// if line:
			if err == nil && len(line) > 0 {
				// sock.sendall(answer(line, began))
				_, err = sock.SendAll(answer(line, began))
			}
			// except OSError as e:
			if e := (*socket.OSError)(nil); errors.As(err, &e) {
				// print("lost a client:", e.args[0])
				fmt.Println("lost a client:", e.Errno)
				// line = b""
				line = nil // after ETIMEDOUT, line contains the bytes so far, which MicroPython drops
			}
			// if not line or line.strip() == b"bye":
			if len(line) == 0 || string(bytes.TrimSpace(line)) == "bye" {
				// poller.unregister(sock)
				if err := poller.Unregister(sock); err != nil {
					return err
				}
				// sock.close()
				_ = sock.Close()
			}
		}
	}
}

// main(int(sys.argv[1]) if len(sys.argv) > 1 else 8266)
func main() {
	port := "8266"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	log.Fatal(serve(port))
}
