package sim

import (
	"fmt"
	"time"
)

// Options are the properties of a World. With the zero value a World has no faults and a fast
// network.
type Options struct {
	// Latency is how long a packet takes between two hosts. Jitter is the most that is added at
	// random. 0 means 100 µs for Latency and 50 µs for Jitter. Each is at most an hour.
	Latency, Jitter time.Duration
	// Bandwidth is how many bytes pass in a second in one direction of a connection. 0 means no limit.
	Bandwidth int64
	// Segment is how many bytes of a stream arrive at most at once: 1 … 32 KiB. 0 means 1,448 bytes
	// with every fourth seed, and 32 KiB with all others. With short segments a test notices a program
	// that expects each message in one part. See Link.SetMTU.
	Segment int
	// Buffer is the size of each socket's send and receive buffer: 1 KiB … 64 MiB. 0 means 64 KiB.
	// SO_SNDBUF and SO_RCVBUF change it for one socket.
	Buffer int
	// Files is how many descriptors a host can have. 0 means 1,024.
	Files int
	// Kernel is the system whose rules the hosts follow: see the table in doc/bsd.md. With FreeBSD and
	// NetBSD, ShortReads is always on.
	Kernel Kernel
	// Kqueue means FreeBSD, if Kernel is not set.
	//
	// Deprecated: set Kernel.
	Kqueue bool
	// ShortReads means that a TCP socket may still hold bytes after a short read, as on every kernel
	// except Linux. Reactors then register level-triggered.
	ShortReads bool
	// Refused contains calls that fail on every host, each with its errno: see Host.Refuse.
	Refused map[Call]Errno
	// Faults are the initial chances of faults on all hosts.
	Faults Faults
	// Faulty, if not nil, is a list of faults that replaces chance. A fault of the list happens only
	// while its chance is above 0. A fault that the test itself makes happens only if it is in the
	// list. See Shrink.
	Faulty []Fault
	// Sizes contains smaller sizes for World.Size, by name. See Shrink.
	Sizes map[string]int
	// SizesOnly leaves the contents of sends out of the history and keeps only their sizes. It is for
	// worlds with TLS, whose keys come from the machine.
	SizesOnly bool
	// Trace is how many of the last steps are stored as text. 0 means none, -1 means all. Trace does
	// not change the history.
	Trace int
	// Only selects the steps that Trace stores. The zero value selects all steps.
	Only Only
}

const longest = time.Hour

func (o *Options) check() {
	switch {
	case o.Latency < 0 || o.Latency > longest, o.Jitter < 0 || o.Jitter > longest:
		panic(fmt.Sprintf("sim: latency %v, jitter %v: must be 0 … %v", o.Latency, o.Jitter, longest))
	case o.Bandwidth < 0:
		panic(fmt.Sprintf("sim: bandwidth %d: must be 0 (no limit) or more bytes per second", o.Bandwidth))
	case o.Segment < 0 || o.Segment > segment:
		panic(fmt.Sprintf("sim: segment %d: must be 0 … %d bytes", o.Segment, segment))
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

// filled replaces zero values by the defaults.
func (o Options) filled() Options {
	if o.Latency == 0 {
		o.Latency = 100 * time.Microsecond
	}
	if o.Jitter == 0 {
		o.Jitter = 50 * time.Microsecond
	}
	if o.Segment == 0 {
		o.Segment = segment
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

// A Chance is a probability in millionths.
type Chance int32

const (
	Percent Chance = 10_000
	Always  Chance = 1_000_000
)

// Faults are the chances of faults. The zero value means no faults.
type Faults struct {
	// These chances are for each call that can have the fault:
	ShortRead  Chance // moves fewer bytes than there are
	ShortWrite Chance // moves fewer bytes than there is room for
	Again      Chance // EAGAIN although ready; an Event follows
	Interrupt  Chance // EINTR, which the kernel repeats
	Error      Chance // one of the errors of the call: see Errors
	Spurious   Chance // a Wait reports an Event that has no cause
	EarlyWait  Chance // a Wait ends as after a Wake

	// These chances are for each packet:
	Loss      Chance // TCP sends it again after at least 200 ms
	Duplicate Chance // datagrams only
	Reorder   Chance // datagrams only: a later packet overtakes it
	Reset     Chance // the packet's connection is reset
	SlowFIN   Chance // a FIN takes up to a second longer

	// These chances are for each new socket:
	OneByte     Chance // the socket's reads and writes move one byte each
	NeverReads  Chance // the socket reports no input for 10 s
	SlowAccepts Chance // the listener reports a connection up to a second late
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
