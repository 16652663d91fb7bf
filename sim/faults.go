package sim

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Kind is a kind of fault.
type Kind uint8

const (
	AtCall     Kind = iota // a call fails or moves fewer bytes: see Injection
	Lost                   // a packet is lost; TCP sends it again after at least 200 ms
	Doubled                // a packet arrives twice; TCP ignores the second one
	Late                   // a packet is late; with TCP all later packets are late too
	Reset                  // the packet's connection is reset
	Spurious               // a Wait reports an Event without a cause
	OneByte                // the reads and writes of a new socket move one byte each
	NeverReads             // a new socket reports no input for 10 s
	SlowAccept             // the listener reports a connection late
	CutOff                 // see World.CutOneWay
	Crashed                // see Host.Crash
	Drifts                 // see Host.SetClock
	Clogged                // see World.Swizzle
	Killed                 // see Host.Kill
	Paused                 // see Host.Pause
	Stepped                // see Host.StepClock
	LostWrite              // a crash loses a write that was not synced: see Disk
	TornWrite              // a crash keeps only some sectors of such a write
	kindCount
)

var kindNames = [kindCount]string{"call", "lost", "doubled", "late", "reset", "spurious", "one byte at a time", "no input for 10 s",
	"late accept", "cut", "crash", "clock", "clog", "kill", "pause", "clock", "lost write", "torn write"}

func (k Kind) String() string { return kindNames[k] }

// A Fault is one fault of a history. It happened by chance, or the test has made it. Kind, Call,
// Host, To and Nth identify the fault: in another run with the same seed these fields mean the same
// occasion.
type Fault struct {
	Kind Kind
	Call Call   // for AtCall: the call
	Host string // the host of the call or socket, or the sender of the packet
	To   string // for packets and cuts: the receiver
	Nth  int    // number among that host's calls of this kind, packets of that direction, sockets …
	Of   int    // in a Live world: descriptor of the call, or port; then At identifies the fault too

	Errno Errno         // for AtCall: the result; EAGAIN means: although it was ready
	Short int           // for AtCall: at most so many bytes or datagrams are moved
	Delay time.Duration // for Late, SlowAccept, Paused and Stepped
	Drift Chance        // for Drifts
	At    time.Duration // the time of the world
	roll  Rand          // for further random choices
	live  bool          // At and Of identify the fault too
}

// does records a fault that the test itself makes. It returns false if the fault must not happen.
func (w *World) does(f Fault) bool {
	w.owned(f.Kind, nil)
	return w.happens(&f, true, false)
}

// key returns only the fields that identify the fault.
func (f Fault) key() Fault {
	k := Fault{Kind: f.Kind, Call: f.Call, Host: f.Host, To: f.To, Nth: f.Nth}
	if f.live {
		k.At, k.Of, k.live = f.At, f.Of, true
	}
	return k
}

// String returns a line for people, such as "10.0.0.2 send #14: short, 1 byte".
func (f Fault) String() string {
	what := f.Kind.String()
	switch f.Kind {
	case AtCall:
		return fmt.Sprintf("%s %v %s: %s", f.Host, f.Call, f.number(), f.result())
	case Late, SlowAccept, Stepped:
		what += fmt.Sprintf(" by %v", f.Delay)
	case Paused:
		what += fmt.Sprintf(" for %v", f.Delay)
	case Drifts:
		what += fmt.Sprintf(" drifts by %d millionths", f.Drift)
	}
	switch f.Kind {
	case Lost, Doubled, Late, Reset:
		return fmt.Sprintf("packet %s %s → %s: %s", f.number(), f.Host, f.To, what)
	case Spurious:
		return fmt.Sprintf("%s epoll_wait, end #%d: a spurious event", f.Host, f.Nth)
	case LostWrite, TornWrite:
		return fmt.Sprintf("%s write #%d to the disk: %s", f.Host, f.Nth, f.Kind)
	case OneByte, NeverReads:
		return fmt.Sprintf("%s new descriptor %s: %s", f.Host, f.number(), what)
	case SlowAccept:
		return fmt.Sprintf("%s connection %s: %s", f.Host, f.number(), what)
	case CutOff:
		return fmt.Sprintf("%s → %s: %s #%d", f.Host, f.To, what, f.Nth)
	}
	return fmt.Sprintf("%s: %s #%d", f.Host, what, f.Nth)
}

// number returns the number of the occasion, or its time in a live world.
func (f Fault) number() string {
	switch {
	case !f.live:
		return fmt.Sprintf("#%d", f.Nth)
	case f.Kind == AtCall:
		return fmt.Sprintf("of %d at %v", f.Of, f.At)
	}
	return fmt.Sprintf("at %v", f.At)
}

func (f Fault) result() string {
	unit := "byte"
	if f.Call == RecvBatch || f.Call == SendBatch {
		unit = "datagram"
	}
	switch {
	case f.Short == 1:
		return "short, 1 " + unit
	case f.Short > 1:
		return fmt.Sprintf("short, %d %ss", f.Short, unit)
	case f.Call == Wait && f.Errno == kernel.EAGAIN:
		return "ends early"
	}
	return ErrnoName(f.Errno)
}

// happens returns whether a fault happens. chosen means that chance or the test's plan has selected
// it. chance means that it is a random fault. If Options.Faulty is set, that list decides instead,
// even about faults that the test has planned.
func (w *World) happens(f *Fault, chosen, chance bool) bool {
	if w.only != nil {
		w.identify(f)
		g, there := w.only[f.key()]
		if !there || !chosen && !chance {
			return false
		}
		*f = g
	} else if !chosen {
		return false
	}
	w.faults++
	w.identify(f)
	if len(w.happened) < faultsMost {
		w.happened = append(w.happened, *f)
	}
	if w.opt.Trace != 0 && !w.trace.sealed {
		host, to := w.byName(f.Host), w.byName(f.To)
		w.mark(host, to)
		switch f.Kind {
		case CutOff, Crashed, Clogged, Killed, Paused, Stepped:
			return true // the trace has a note about this fault
		}
		w.trace.add(record{step: w.step, at: w.now, host: host, to: to, kind: isFault, text: f.String()})
	}
	return true
}

// identify sets the time of the fault, and the fields that identify it in a live world.
func (w *World) identify(f *Fault) {
	f.At, f.live = w.Now(), w.live != nil && f.Kind < CutOff
}

// faultsMost is how many faults a World stores.
const faultsMost = 1 << 20

// Faults returns the faults so far, the oldest one first.
func (w *World) Faults() []Fault { return w.happened }

func (w *World) byName(name string) *Host {
	for _, h := range w.hosts {
		if h.name == name {
			return h
		}
	}
	return nil
}

// dice returns the source of the random choices about one occasion. The source depends only on the
// seed and the occasion, so a fault that is left out does not change other faults. In a live world
// the virtual time and the argument of (a descriptor or port) are parts of the occasion.
func (h *Host) dice(k Kind, c Call, to *Host, nth, of int) Rand {
	which := uint64(k)<<8 | uint64(c) | uint64(h.index+1)<<16
	if to != nil {
		which |= uint64(to.index+1) << 40
	}
	r := Rand{scramble(scramble(h.w.key^which) + uint64(nth))}
	if h.w.live != nil {
		h.w.live.mix(&r, of)
	}
	return r
}

// faultJSON is a Fault with all fields that Options.Faulty needs to repeat it.
type faultJSON struct {
	plainFault
	Roll uint64
}

type plainFault Fault

// MarshalJSON writes a fault. UnmarshalJSON, in a program of the same version and system, returns a
// fault for Options.Faulty.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{plainFault(f), f.roll.state})
}

func (f *Fault) UnmarshalJSON(text []byte) error {
	var j faultJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	if j.Kind >= kindCount || j.Call >= callCount {
		return fmt.Errorf("sim: fault of kind %d at call %d: must be below %d and %d", j.Kind, j.Call, kindCount, callCount)
	}
	*f = Fault(j.plainFault)
	f.roll.state = j.Roll
	return nil
}
