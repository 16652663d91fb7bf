package sel

import (
	"fmt"
	"reflect"
	"runtime"
	"sync"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/socket"
)

// A set is a Poll without its handle: what is registered, and the Poller that knows which of it is
// ready.
//
// No lock is held while an Object's method runs, nor in any wait. mu comes before a Desc's own
// lock, and hooks of Descs run under neither. On a loop mu is never contended.
type set struct {
	k            kernel.Kernel
	w            desc.Waiter
	seq          func(yield func(Pollable, Events) bool) // walk, made once
	f            func()                                  // notify, made once
	runCallbacks func() kernel.Errno                     // the loop's; nil where callers park

	mu             sync.Mutex // guards the rest
	d              *desc.Desc // the Poller's descriptor; nil until first used, and while the system has none left
	q              poller.Poller
	reportsUnasked bool // see unaskedTold
	closed         bool
	objects        map[Pollable]*entry
	nodes          map[int32]*node // by descriptor
	gens           uint32          // the last generation given to a node

	// What the kernel does not tell of, so that each poll asks. Who leaves a list is replaced by
	// its last.
	polled        []*node  // files, numbers that are not open, everything while there is no Poller
	closedObjects []*entry // closed sockets
	custom        []*entry // Objects
	pollOnly      int      // Objects that are no Notifier
	events        []poller.Event
	waiting       int    // polls that may be asleep
	changes       uint64 // what may concern a poll in progress, without being an Event
	lastChanges   uint64 // changes as of the last look of a poll that waits
	freeScan      *scan
	results       results

	inner []*set // Polls in this one; see nest
}

// An entry is one registered object.
type entry struct {
	obj          Pollable
	mask         Events
	unregistered bool       // unregistered
	node         *node      // of a live descriptor
	d            *desc.Desc // of what has one
	hook         *desc.Hook // in d while that is open
	custom       Object
	subscribe    func(f func()) (stop func()) // subscribes to custom, if that notifies
	unsubscribe  func()                       // ends the subscription of this entry
	at           int                          // its place in dead or custom
}

// A node is one descriptor number, which the kernel knows once, with the entries that it stands
// for.
type node struct {
	fd       int32
	gen      uint32
	inKernel bool // the kernel has it: not files, nor numbers that are not open
	polled   bool // is in asked
	at       int  // its place there
	entries  []*entry
}

func newSet(k kernel.Kernel, w desc.Waiter) *set {
	s := &set{k: k, w: w, objects: map[Pollable]*entry{}, nodes: map[int32]*node{}}
	s.seq, s.f = s.iterate, s.notify
	if loop, ok := w.(interface{ Settle() kernel.Errno }); ok {
		s.runCallbacks = loop.Settle
	}
	return s
}

// owner is the kernel of a Poll's Desc: closing that is closing the Poller.
type owner struct {
	kernel.Kernel
	q poller.Poller
}

func (o owner) Close(int) kernel.Errno { return number(o.q.Close()) }

// own is the Poll's own Desc, also when that is closed.
func (s *set) own() *desc.Desc {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ensurePoller()
	return s.d
}

// ensurePoller makes the Poller if need be. If the system has no descriptor for it, polls do
// without one (see fallback.go), and the next call tries again. EBADF is the only error. With mu,
// as all below that does not lock it.
func (s *set) ensurePoller() kernel.Errno {
	if s.closed {
		return kernel.EBADF
	}
	if s.d != nil {
		return 0
	}
	q, err := s.k.NewPoller()
	if err != nil {
		return 0
	}
	s.q, s.reportsUnasked = q, reportsUnasked(q)
	s.d = desc.New(owner{s.k, q}, q.FD(), s.w)
	s.d.Transient = true
	s.d.AddHook(&desc.Hook{F: s.dropAll})
	s.events = make([]poller.Event, 64)
	for _, n := range s.nodes { // of the time without a Poller
		_ = s.updateKernel(n) // what the Poller refuses is asked, as before
	}
	return 0
}

// reportsUnasked: a registration for nothing hears of Err and Hup. A kqueue's does not: there such
// a node is registered for everything, edge-triggered so that it wakes but does not spin, and
// asked. A simulated Poller says which it is like.
func reportsUnasked(q poller.Poller) bool {
	if s, ok := q.(interface{ TellsUnasked() bool }); ok {
		return s.TellsUnasked()
	}
	return runtime.GOOS == "linux"
}

func (s *set) close() kernel.Errno {
	s.mu.Lock()
	d := s.d
	s.closed = true
	s.mu.Unlock()
	if d == nil {
		s.dropAll()
		return 0
	}
	return d.Close()
}

// closeUnreachable closes what nobody can reach any more, where it belongs.
func (s *set) closeUnreachable() {
	if !s.w.Shared() && s.w.Post(func() { s.close() }) {
		return
	}
	s.close()
}

// dropAll lets go of everything registered. It is the hook of the Poll's own Desc.
func (s *set) dropAll() {
	s.mu.Lock()
	s.closed = true
	var stops []func()
	for _, e := range s.objects {
		e.unregistered = true
		if e.hook != nil {
			e.d.DelHook(e.hook)
		}
		if e.unsubscribe != nil {
			stops = append(stops, e.unsubscribe)
		}
	}
	s.objects, s.nodes, s.polled, s.closedObjects, s.custom = nil, nil, nil, nil, nil
	s.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
	nest.Lock()
	s.inner = nil
	nest.Unlock()
}

// notify is what Notifiers are given.
func (s *set) notify() {
	s.mu.Lock()
	if !s.closed && s.d != nil {
		s.changed()
	}
	s.mu.Unlock()
}

// changed has polls in progress look again. The Poller's own wake makes its descriptor ready, so it
// ends their wait as an Event does, from any goroutine.
func (s *set) changed() {
	s.changes++
	if s.waiting > 0 {
		s.wake()
	}
}

func (s *set) wake() {
	if s.d == nil {
		return // who waits looks every millisecond
	}
	if err := s.q.Wake(); err != nil {
		panic("sel: cannot wake a poll: " + err.Error())
	}
}

// entryOf makes an entry of what can be registered.
func entryOf(obj Pollable, mask Events) (*entry, error) {
	e := &entry{obj: obj, mask: mask}
	if !usable(obj) {
		return nil, fmt.Errorf("sel: register %T: %w: must be neither nil nor incomparable", obj, ErrValue)
	}
	switch o := obj.(type) {
	case FD:
		if o < 0 || int(o) != int(int32(o)) {
			return nil, fmt.Errorf("sel: register FD %d: %w: must be 0 … 2147483647", o, ErrValue)
		}
	case *socket.Socket:
		e.d = inside.Desc(o)
	case *socket.SSLSocket:
		ssl := inside.Secure(o)
		e.custom, e.subscribe = sslPoller{ssl}, ssl.Subscribe
	case *Poll:
		if e.d = o.desc(); e.d == nil {
			return nil, fmt.Errorf("sel: register %T: %w: has no descriptor", obj, ErrValue)
		}
	case described:
		if e.d = o.Desc(); e.d == nil {
			return nil, fmt.Errorf("sel: register %T: %w: has no descriptor", obj, ErrValue)
		}
	case Object:
		e.custom = o
		if n, ok := o.(Notifier); ok {
			e.subscribe = func(f func()) func() { return subscribe(n, f) }
		}
	case wrapper:
		s := o.Socket()
		if s == nil {
			return nil, fmt.Errorf("sel: register %T: %w: its method Socket returns nil", obj, ErrValue)
		}
		e.d = inside.Desc(s)
	default:
		if within := embedded(obj); within != nil {
			part, err := entryOf(within, mask)
			if err == nil {
				part.obj = obj
			}
			return part, err
		}
		return nil, fmt.Errorf("sel: register %T: %w: must be a socket, a Poll, an FD, or have a method Socket() *socket.Socket or Poll(Events) (Events, error)", obj, ErrValue)
	}
	return e, nil
}

// embedded returns the socket that a struct of the user embeds, nil if there is none. Such a struct
// cannot have a method Socket beside the field of that name.
func embedded(obj Pollable) Pollable {
	v := reflect.Indirect(reflect.ValueOf(obj))
	if v.Kind() != reflect.Struct {
		return nil
	}
	for _, name := range []string{"Socket", "SSLSocket"} {
		f, ok := v.Type().FieldByName(name)
		if !ok || !f.Anonymous || len(f.Index) > 1 {
			continue
		}
		switch s := v.FieldByIndex(f.Index).Interface().(type) {
		case *socket.Socket:
			if s != nil {
				return s
			}
		case *socket.SSLSocket:
			if s != nil {
				return s
			}
		}
	}
	return nil
}

// A wrapper is a user's type around a socket, or a connection of package netconn.
type wrapper interface{ Socket() *socket.Socket }

// described is for this module's tests: no other module can have such a method.
type described interface{ Desc() *desc.Desc }

// usable tells whether obj can be a key and its methods be called.
func usable(obj Pollable) bool {
	v := reflect.ValueOf(obj)
	switch v.Kind() {
	case reflect.Invalid:
		return false
	case reflect.Pointer:
		return !v.IsNil()
	}
	return v.Comparable() // allocates
}
