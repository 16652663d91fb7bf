package sim

import (
	"fmt"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A Kind is what can go wrong.
type Kind uint8

const (
	AtCall     Kind = iota // a call: see Injection
	Lost                   // a packet; of TCP it is sent again after 200 ms and more
	Doubled                // a packet; TCP does not mind
	Late                   // a packet; of TCP those after it too
	Reset                  // the connection of a packet
	Spurious               // a Wait that tells of what is not
	OneByte                // a new socket: every read and write of it moves one byte
	NeverReads             // a new socket: for the first 10 s it tells of no input
	SlowAccept             // a connection that the listener is told of late
	CutOff                 // see World.CutOneWay
	Crashed                // see Host.Crash
	Drifts                 // see Host.SetClock
	Clogged                // see World.Swizzle
	kindCount
)

var kindNames = [kindCount]string{"call", "lost", "doubled", "late", "reset", "spurious", "one byte at a time", "hears nothing for 10 s",
	"late accept", "cut", "crash", "clock", "clog"}

func (k Kind) String() string { return kindNames[k] }

// A Fault is one thing that has gone wrong in a history, by chance or because the test has said so.
// Kind, Call, Host, To and Nth are its name: in another run with the same seed they mean the same
// occasion.
type Fault struct {
	Kind Kind
	Call Call   // of AtCall: which
	Host string // whose call or socket; whose packet
	To   string // of packets and cuts: where to
	Nth  int    // of that host's calls of this kind, of the packets of that way, of the new sockets …

	Errno Errno         // what came of it: of AtCall, EAGAIN for something that was ready
	Short int           // of AtCall: bytes or datagrams, at most
	Delay time.Duration // of Late and SlowAccept
	Drift Chance        // of Drifts
	At    time.Duration // when
	roll  Rand          // for what else there is to choose
}

// does is happens of what the test does itself.
func (w *World) does(f Fault) bool { return w.happens(&f, true, false) }

// key is the fault's name.
func (f Fault) key() Fault {
	return Fault{Kind: f.Kind, Call: f.Call, Host: f.Host, To: f.To, Nth: f.Nth}
}

// String is a line for people: 10.0.0.2 send #14: short, 1 byte.
func (f Fault) String() string {
	what := f.Kind.String()
	switch f.Kind {
	case AtCall:
		return fmt.Sprintf("%s %v #%d: %s", f.Host, f.Call, f.Nth, f.result())
	case Late, SlowAccept:
		what += fmt.Sprintf(" by %v", f.Delay)
	case Drifts:
		what += fmt.Sprintf(" drifts by %d millionths", f.Drift)
	}
	switch f.Kind {
	case Lost, Doubled, Late, Reset:
		return fmt.Sprintf("packet #%d %s → %s: %s", f.Nth, f.Host, f.To, what)
	case Spurious:
		return fmt.Sprintf("%s epoll_wait, end #%d: a spurious event", f.Host, f.Nth)
	case OneByte, NeverReads:
		return fmt.Sprintf("%s new descriptor #%d: %s", f.Host, f.Nth, what)
	case SlowAccept:
		return fmt.Sprintf("%s connection #%d: %s", f.Host, f.Nth, what)
	case CutOff:
		return fmt.Sprintf("%s → %s: %s #%d", f.Host, f.To, what, f.Nth)
	}
	return fmt.Sprintf("%s: %s #%d", f.Host, what, f.Nth)
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

// happens tells whether a fault is to happen that chance, or the test, has chosen or not.
// Options.Faulty takes the place of both: it leaves out what the test has chosen, and decides for
// chance where there was one.
func (w *World) happens(f *Fault, chosen, chance bool) bool {
	if w.only != nil {
		g, there := w.only[f.key()]
		if !there || !chosen && !chance {
			return false
		}
		*f = g
	} else if !chosen {
		return false
	}
	w.faults++
	f.At = w.Now()
	if len(w.happened) < faultsMost {
		w.happened = append(w.happened, *f)
	}
	if w.opt.Trace != 0 && !w.trace.sealed {
		if k := f.Kind; k == CutOff || k == Crashed || k == Clogged {
			return true // there is a note
		}
		w.trace.add(record{step: w.step, at: w.now, host: w.byName(f.Host), to: w.byName(f.To), kind: isFault, text: f.String()})
	}
	return true
}

// faultsMost is how many faults a World keeps.
const faultsMost = 1 << 20

// Faults is what has gone wrong so far, the oldest first.
func (w *World) Faults() []Fault { return w.happened }

func (w *World) byName(name string) *Host {
	for _, h := range w.hosts {
		if h.name == name {
			return h
		}
	}
	return nil
}

// dice is the source of the choices about one occasion. It depends on nothing but the seed and the
// occasion, so that a fault that is left out moves no other.
func (h *Host) dice(k Kind, c Call, to *Host, nth int) Rand {
	which := uint64(k)<<8 | uint64(c) | uint64(h.index+1)<<16
	if to != nil {
		which |= uint64(to.index+1) << 40
	}
	return Rand{scramble(scramble(h.w.key^which) + uint64(nth))}
}
