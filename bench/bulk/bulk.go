//go:build linux

package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/ureactor/ureactor/bench/suite"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
)

const (
	size = 1200
	many = 16
	goal = 1.0 / 3 // of the CPU time that sendmmsg needs for a byte
)

// A contender is one way to send datagrams. once sends them to a second socket of this process and
// receives them there. The process does nothing else meanwhile, so its CPU time is the cost of both
// ends.
type contender struct {
	name  string
	start func() (once func() error, stop func(), err error)
}

var contenders = []contender{
	{"sendmmsg and recvmmsg", func() (func() error, func(), error) { return onLoop(reactor.WithKernel(without{kernel.Host})) }},
	{"GSO and GRO", func() (func() error, func(), error) { return onLoop(reactor.WithKernel(kernel.Host)) }},
	{"x/net over package net", batches},
}

// without is the host's kernel without segments. Each datagram is a separate message of sendmmsg
// and recvmmsg.
type without struct{ reactor.Kernel }

func (k without) Traits() kernel.Traits {
	t := k.Kernel.Traits()
	t.Segments = false
	return t
}

type receiver struct{ got int }

func (h *receiver) Packet(_ *reactor.PacketConn, p []byte, _ reactor.Addr) { h.got += len(p) }
func (h *receiver) Closed(*reactor.PacketConn, error)                      {}

// onLoop returns a contender with both sockets on one loop.
func onLoop(k reactor.Option) (once func() error, stop func(), err error) {
	r, err := reactor.New(k)
	if err != nil {
		return nil, nil, err
	}
	stop = func() {
		r.Close()
		for r.Turn(r.Now()) == nil {
		}
	}
	in, out := &receiver{}, &receiver{}
	to, err := r.ListenPacket("udp4", "127.0.0.1:0", in, reactor.WithGRO())
	var from *reactor.PacketConn
	if err == nil {
		from, err = r.ListenPacket("udp4", "127.0.0.1:0", out)
	}
	if err != nil {
		stop()
		return nil, nil, err
	}
	at := reactor.AddrFrom(to.LocalAddr().(*net.UDPAddr).AddrPort())
	data := make([]byte, size)
	var failed error
	send := func() {
		for range many {
			failed = errors.Join(failed, from.SendTo(data, at))
		}
	}
	return func() error {
		in.got = 0
		if err := r.Post(send); err != nil {
			return err
		}
		for until := r.Now() + 1e9; in.got < many*size; {
			if err := r.Turn(until); err != nil || r.Now() > until {
				return errors.Join(err, failed, fmt.Errorf("%d of %d bytes have arrived", in.got, many*size))
			}
		}
		return failed
	}, stop, nil
}

// batches returns a contender that uses the batch calls, as a program without the reactor would.
func batches() (once func() error, stop func(), err error) {
	to, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, nil, err
	}
	from, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		to.Close()
		return nil, nil, err
	}
	in, out := ipv4.NewPacketConn(to), ipv4.NewPacketConn(from)
	send, receive := make([]ipv4.Message, many), make([]ipv4.Message, many)
	for i := range many {
		send[i] = ipv4.Message{Buffers: [][]byte{make([]byte, size)}, Addr: to.LocalAddr()}
		receive[i] = ipv4.Message{Buffers: [][]byte{make([]byte, 2048)}}
	}
	return func() error {
		if err := to.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		for sent := 0; sent < many; {
			n, err := out.WriteBatch(send[sent:], 0)
			if err != nil {
				return err
			}
			sent += n
		}
		for got := 0; got < many; {
			n, err := in.ReadBatch(receive, 0)
			if err != nil {
				return err
			}
			got += n
		}
		return nil
	}, func() { to.Close(); from.Close() }, nil
}

// Run measures each contender in a number of slices (rounds), in random order, and writes a table.
// It returns an error if the cost of a byte with GSO is more than a third of the cost with
// sendmmsg.
func Run(ctx context.Context, rounds int, slice time.Duration, seed uint64, to io.Writer) error {
	random := rand.New(rand.NewPCG(seed, 1))
	var once []func() error
	for _, c := range contenders {
		f, stop, err := c.start()
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		defer stop()
		once = append(once, f)
	}
	costs := make([][]float64, len(contenders)) // ns of CPU for each KB
	for round := -1; round < rounds && ctx.Err() == nil; round++ {
		for _, i := range random.Perm(len(contenders)) {
			cost, err := measure(once[i], slice)
			if err != nil {
				return fmt.Errorf("%s: %w", contenders[i].name, err)
			}
			if round >= 0 { // the first round warms up
				costs[i] = append(costs[i], cost)
			}
		}
	}
	fmt.Fprintf(to, "The CPU time that sender and receiver together need for %d datagrams of %d bytes to one peer on\nloopback. The figures are medians of %d slices of %v, with 95 %% confidence intervals. Each ratio\ncompares slices of the same round.\n\n",
		many, size, len(costs[0]), slice)
	fmt.Fprintf(to, "| | ns of CPU for each KB | ÷ %s |\n|---|---|---|\n", contenders[0].name)
	var ratio float64
	for i, c := range contenders {
		var ratios []float64
		for round, v := range costs[i] {
			ratios = append(ratios, v/costs[0][round])
		}
		low, high := suite.Interval(ratios)
		fmt.Fprintf(to, "| %s | %.0f | %.2f (%.2f–%.2f) |\n", c.name, suite.Median(costs[i]), suite.Median(ratios), low, high)
		if i == 1 {
			ratio = suite.Median(ratios)
		}
	}
	if ratio > goal {
		return fmt.Errorf("a byte with GSO and GRO costs %.2f of one with sendmmsg, and the bound is %.2f", ratio, goal)
	}
	return ctx.Err()
}

// measure repeats f for about d and returns the CPU time for each KB, in nanoseconds.
func measure(f func() error, d time.Duration) (float64, error) {
	began, spent := time.Now(), cpu()
	n := 0
	for ; n == 0 || time.Since(began) < d; n += 10 {
		for range 10 {
			if err := f(); err != nil {
				return 0, err
			}
		}
	}
	return float64(cpu()-spent) / (float64(n*many*size) / 1000), nil
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
