//go:build unix

package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/netip"
	"os"
	"time"

	"github.com/ureactor/ureactor/socket"
)

func main() {
	log.SetFlags(0)
	count := flag.Int("c", 4, "how many requests")
	wait := flag.Float64("W", 1, "seconds to wait for each answer")
	flag.Parse()
	ip, err := netip.ParseAddr(flag.Arg(0))
	if err != nil {
		log.Fatal("usage: ping [-c COUNT] [-W SECONDS] IP")
	}
	if err := ping(os.Stdout, ip.Unmap(), *count, *wait); err != nil {
		log.Fatal(err)
	}
}

// These are types of ICMP and ICMPv6 messages.
const (
	request, reply   = 8, 0
	request6, reply6 = 128, 129
)

// ping sends count requests and prints the answers.
func ping(out io.Writer, ip netip.Addr, count int, wait float64) error {
	s, err := open(ip)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.SetTimeoutSeconds(wait); err != nil {
		return err
	}
	if err := s.Connect(socket.AddrOf(netip.AddrPortFrom(ip, 0))); err != nil {
		return err
	}
	for seq := range count {
		began := time.Now()
		if _, err := s.Send(echo(ip, uint16(seq), began)); err != nil {
			return err
		}
		n, err := answer(s, ip, uint16(seq), began)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			fmt.Fprintf(out, "no answer: seq=%d\n", seq)
		case err != nil:
			return err
		default:
			fmt.Fprintf(out, "%d bytes from %s: seq=%d time=%v\n", n, ip, seq, time.Since(began).Round(time.Microsecond))
		}
	}
	return nil
}

// open opens an ICMP datagram socket. If the system refuses that, it opens a raw socket.
func open(ip netip.Addr) (*socket.Socket, error) {
	family, proto := socket.AF_INET, socket.IPPROTO_ICMP
	if ip.Is6() {
		family, proto = socket.AF_INET6, socket.IPPROTO_ICMPV6
	}
	s, err := socket.New(family, socket.SOCK_DGRAM, proto)
	if err == nil {
		return s, nil
	}
	raw, rawErr := socket.New(family, socket.SOCK_RAW, proto)
	if rawErr != nil {
		return nil, fmt.Errorf("neither an ICMP datagram socket (%w) nor a raw one (%w)", err, rawErr)
	}
	return raw, nil
}

// mark identifies the messages of this program. The identifier of ICMP does not: the kernel
// replaces it on a datagram socket. A raw socket receives the messages of all programs.
const mark = "ureactor"

// echo returns an echo request. For IPv6 the kernel computes the checksum.
func echo(ip netip.Addr, seq uint16, now time.Time) []byte {
	p := make([]byte, 8, 64)
	p[0] = request
	if ip.Is6() {
		p[0] = request6
	}
	binary.BigEndian.PutUint16(p[4:], uint16(os.Getpid()))
	binary.BigEndian.PutUint16(p[6:], seq)
	p = append(p, mark...)
	p = binary.BigEndian.AppendUint64(p, uint64(now.UnixNano()))
	if ip.Is4() {
		binary.BigEndian.PutUint16(p[2:], checksum(p))
	}
	return p
}

// checksum returns the checksum of RFC 1071.
func checksum(p []byte) uint16 {
	sum := uint32(0)
	for ; len(p) > 1; p = p[2:] {
		sum += uint32(p[0])<<8 | uint32(p[1])
	}
	if len(p) == 1 {
		sum += uint32(p[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// answer waits for the answer to the request with this number and time, and returns the size of the
// answer.
func answer(s *socket.Socket, ip netip.Addr, seq uint16, sent time.Time) (int, error) {
	for {
		p, err := s.Recv(1500)
		if err != nil {
			return 0, err
		}
		if len(p) >= 20 && p[0]>>4 == 4 { // a raw IPv4 socket also returns the IP header
			p = p[min(int(p[0]&15)*4, len(p)):]
		}
		if answers(p, ip, seq, sent) {
			return len(p), nil
		}
	}
}

func answers(p []byte, ip netip.Addr, seq uint16, sent time.Time) bool {
	want := byte(reply)
	if ip.Is6() {
		want = reply6
	}
	return len(p) >= 8+len(mark)+8 && p[0] == want && binary.BigEndian.Uint16(p[6:]) == seq && string(p[8:8+len(mark)]) == mark &&
		binary.BigEndian.Uint64(p[8+len(mark):]) == uint64(sent.UnixNano())
}
