package sim

import (
	"fmt"
	"time"
)

// Options are the properties of a world. The zero value is a quiet one with a fast network.
type Options struct {
	// Latency is how long a packet takes between two hosts, 100 µs if 0; Jitter what is added to it
	// by chance, at most, 50 µs if 0. At most an hour.
	Latency, Jitter time.Duration
	// Bandwidth is how many bytes of one connection's direction pass in a second; 0 is no limit.
	Bandwidth int64
	// Buffer is the size of sockets' send and receive buffers in bytes, 64 KiB if 0; 1 KiB … 64
	// MiB. SO_SNDBUF and SO_RCVBUF change a socket's.
	Buffer int
	// Files is how many descriptors a host has, 1,024 if 0.
	Files int
	// Kernel is whose rules the hosts follow where kernels differ: see the table in doc/sim.md.
	// With FreeBSD and NetBSD ShortReads counts as set.
	Kernel Kernel
	// Kqueue is Kernel FreeBSD, if Kernel is not set.
	//
	// Deprecated: set Kernel.
	Kqueue bool
	// ShortReads: a read of TCP that comes up short need not have taken all there was. So it is on
	// every kernel but Linux's; reactors register level-triggered then.
	ShortReads bool
	// Refused are calls that fail on every host, each with its errno; see Host.Refuse.
	Refused map[Call]Errno
	// Faults are the chances of all hosts to begin with.
	Faults Faults
	// Faulty, if not nil, is the faults that happen, in place of chance's: while there are chances
	// of any. What the test does itself is left out if it is not among them. See Shrink.
	Faulty []Fault
	// Trace is how many of the last steps are kept as text; 0 none, -1 all. It does not change the
	// history.
	Trace int
}

const longest = time.Hour

func (o *Options) check() {
	switch {
	case o.Latency < 0 || o.Latency > longest, o.Jitter < 0 || o.Jitter > longest:
		panic(fmt.Sprintf("sim: latency %v, jitter %v: must be 0 … %v", o.Latency, o.Jitter, longest))
	case o.Bandwidth < 0:
		panic(fmt.Sprintf("sim: bandwidth %d: must be 0 (no limit) or more bytes per second", o.Bandwidth))
	case o.Buffer != 0 && (o.Buffer < bufferMin || o.Buffer > bufferMax):
		panic(fmt.Sprintf("sim: buffer %d: must be %d … %d bytes", o.Buffer, bufferMin, bufferMax))
	case o.Files < 0 || o.Files > filesMost:
		panic(fmt.Sprintf("sim: %d files: must be 0 … %d", o.Files, filesMost))
	case o.Kernel >= kernelCount:
		panic(fmt.Sprintf("sim: %v: must be Linux, FreeBSD or NetBSD", o.Kernel))
	case o.Trace < -1:
		panic(fmt.Sprintf("sim: trace %d: must be -1 (everything) or more", o.Trace))
	}
	for c, e := range o.Refused {
		checkRefused(c, e)
	}
	o.Faults.check()
}

const (
	bufferMin = 1 << 10
	bufferMax = 64 << 20
	filesMost = 1 << 20
)

// filled has the default values in place of zeros.
func (o Options) filled() Options {
	if o.Latency == 0 {
		o.Latency = 100 * time.Microsecond
	}
	if o.Jitter == 0 {
		o.Jitter = 50 * time.Microsecond
	}
	if o.Buffer == 0 {
		o.Buffer = 64 << 10
	}
	if o.Files == 0 {
		o.Files = 1024
	}
	if o.Kqueue && o.Kernel == Linux {
		o.Kernel = FreeBSD
	}
	o.ShortReads = o.ShortReads || o.Kernel != Linux
	return o
}

// A Kernel is an operating system whose rules a World follows.
type Kernel uint8

const (
	Linux Kernel = iota
	FreeBSD
	NetBSD
	kernelCount
)

func (k Kernel) String() string {
	if k >= kernelCount {
		return fmt.Sprintf("kernel %d", uint8(k))
	}
	return [kernelCount]string{"Linux", "FreeBSD", "NetBSD"}[k]
}

// A Chance is how often something happens in a million times.
type Chance int32

const (
	Percent Chance = 10_000
	Always  Chance = 1_000_000
)

// Faults are the chances of what goes wrong by itself. The zero value is nothing.
type Faults struct {
	// Of every call that it can happen to:
	ShortRead  Chance // takes less than there is
	ShortWrite Chance // takes less than there is room for
	Again      Chance // EAGAIN although ready; an Event follows
	Interrupt  Chance // EINTR, which the kernel repeats
	Error      Chance // one of the call's own errors; see Errors
	Spurious   Chance // a Wait that tells of what is not
	EarlyWait  Chance // a Wait that ends as if it was woken

	// Of every packet:
	Loss      Chance // of TCP: it is repeated after 200 ms and more
	Duplicate Chance // datagrams only
	Reorder   Chance // datagrams only: it is overtaken
	Reset     Chance // the connection that it belongs to is reset
	SlowFIN   Chance // a FIN that takes up to a second longer

	// Of every new socket:
	OneByte     Chance // every read and write of it moves one byte
	NeverReads  Chance // for the first 10 s it tells of no input
	SlowAccepts Chance // a connection that the listener is told of up to a second late
}

func (f *Faults) list() []Chance {
	return []Chance{f.ShortRead, f.ShortWrite, f.Again, f.Interrupt, f.Error, f.Spurious, f.EarlyWait,
		f.Loss, f.Duplicate, f.Reorder, f.Reset, f.SlowFIN, f.OneByte, f.NeverReads, f.SlowAccepts}
}

func (f *Faults) check() {
	for _, c := range f.list() {
		if c < 0 || c > Always {
			panic(fmt.Sprintf("sim: chance %d: must be 0 … %d", c, Always))
		}
	}
}
