//go:build unix

package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

func main() {
	serving := flag.Bool("serve", false, "be the server")
	wait := flag.Float64("timeout", 1, "`seconds` to wait for an answer, each of three times")
	flag.Parse()
	addr := flag.Arg(0)
	if addr == "" {
		addr = "pool.ntp.org:123"
	}
	if *serving {
		s, err := listen(addr)
		if err != nil {
			log.Fatal(err)
		}
		log.Fatal(serve(s, time.Now))
	}
	now, err := ask(addr, *wait, 3)
	if err != nil {
		fmt.Fprintln(os.Stderr, "udptime:", err)
		os.Exit(1)
	}
	fmt.Println(now.Local())
}

const (
	packetSize = 48
	fromClient = 4<<3 | 3 // version 4, mode 3
	fromServer = 4<<3 | 4
	askedAt    = 24            // the client's sentAt; it identifies the question
	receivedAt = 32            // the server's clock when the question arrived
	sentAt     = 40            // the sender's clock
	epoch      = 2_208_988_800 // seconds from 1900 to 1970
)

// ask sends the question up to times times.
func ask(addr string, seconds float64, times int) (time.Time, error) {
	s, err := open(addr)
	if err != nil {
		return time.Time{}, err
	}
	defer s.Close()
	patience, err := timeout.Seconds(seconds)
	if err != nil {
		return time.Time{}, err
	}
	wait := min(time.Duration(patience), time.Hour)
	question := make([]byte, packetSize)
	question[0] = fromClient
	answer := make([]byte, packetSize)
	for range times {
		asked := time.Now()
		stamp(question[sentAt:], asked)
		if _, err = s.Send(question); err != nil {
			return time.Time{}, err
		}
		n, until := 0, asked.Add(wait)
		for err == nil && !(n == packetSize && answer[0]&7 == fromServer&7 && string(answer[askedAt:receivedAt]) == string(question[sentAt:])) {
			// Other datagrams do not extend the time for the answer. Otherwise a flood of them would delay
			// the client without limit.
			left := time.Until(until)
			if left <= 0 {
				err = os.ErrDeadlineExceeded
			} else if err = s.SetTimeout(timeout.Timeout(left)); err == nil {
				n, err = s.RecvInto(answer) // ETIMEDOUT: the question or the answer was lost
			}
		}
		if err == nil {
			return clock(answer[sentAt:]).Add(time.Since(asked) / 2), nil // plus half of the round trip
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			break // ECONNREFUSED: there is no server
		}
	}
	return time.Time{}, fmt.Errorf("asking %s: %w", addr, err)
}

// open makes a socket that receives only from this server.
func open(addr string) (*socket.Socket, error) {
	list, err := lookup(addr)
	if err != nil {
		return nil, err
	}
	s, err := socket.New(list[0].Family, list[0].Type, 0)
	if err == nil {
		err = s.Connect(list[0].Addr) // if it fails, the garbage collector closes the socket
	}
	return s, err
}

func lookup(addr string) ([]socket.AddrInfo, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return socket.GetAddrInfo(host, port, 0, socket.SOCK_DGRAM, 0, 0)
}

func listen(addr string) (net.PacketConn, error) { return netconn.ListenPacket("udp", addr) }

// serve answers until the socket is closed. If the machine has several addresses, netconn sends
// each answer from the address that the question was sent to.
func serve(s net.PacketConn, now func() time.Time) error {
	p := make([]byte, 1<<10) // the rest of a longer question is ignored
	for {
		n, from, err := s.ReadFrom(p)
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil { // it concerns one datagram, or a later try may succeed
			log.Print(err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if n < packetSize || p[0]&7 != fromClient&7 {
			continue // only questions get an answer, so two servers never answer each other
		}
		copy(p[askedAt:receivedAt], p[sentAt:])
		stamp(p[receivedAt:], now())
		p[0], p[1] = fromServer, 1
		stamp(p[sentAt:], now())
		_, _ = s.WriteTo(p[:packetSize], from) // a datagram may be lost
	}
}

// stamp writes the seconds since 1900 and the fraction of a second.
func stamp(p []byte, t time.Time) {
	binary.BigEndian.PutUint32(p, uint32(t.Unix()+epoch))
	binary.BigEndian.PutUint32(p[4:], uint32(uint64(t.Nanosecond())<<32/1e9))
}

// clock reads a stamp. It works until 2036.
func clock(p []byte) time.Time {
	seconds, fraction := binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:])
	return time.Unix(int64(seconds)-epoch, int64(uint64(fraction)*1e9>>32))
}
