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

// A set is the inner part of a Poll: the registered objects, and the Poller that finds the ready
// ones.
//
// No lock is held while a method of an Object runs, or during a wait. mu is locked before the lock
// of a Desc. No lock is held when a hook of a Desc runs. On a loop no goroutine ever waits for mu.
type set struct {
	k   kernel.Kernel
	w   desc.Waiter
	seq func(yield func(Pollable, Events) bool) // the method iterate; made once
	f   func()                                  // the method notify; made once
	// Runs the callbacks that are pending on the loop. It is nil if callers park.
	runCallbacks func() kernel.Errno

	mu             sync.Mutex // guards the fields below
	d              *desc.Desc // the Desc of the Poller; nil until ensurePoller has made one
	q              poller.Poller
	reportsUnasked bool // the result of the function reportsUnasked
	closed         bool
	objects        map[Pollable]*entry
	nodes          map[int32]*node // by descriptor number
	gens           uint32          // the generation that a node got last

	// Each poll asks the items of these lists, because the kernel does not report them. The last
	// item takes the place of a removed one.
	polled        []*node  // files, numbers that are not open, and without a Poller all nodes
	closedObjects []*entry // closed sockets
	custom        []*entry // Objects
	pollOnly      int      // how many Objects are no Notifiers
	events        []poller.Event
	waiting       int    // how many polls may be asleep
	changes       uint64 // counts changes that no Event reports to a poll in progress
	lastChanges   uint64 // the value of changes when a poll that waits has last collected
	freeScan      *scan
	results       results

	inner []*set // the Polls that are registered with this one; see nest
}

// An entry is one registered object.
type entry struct {
	obj          Pollable
	mask         Events
	unregistered bool
	node         *node      // the node of its descriptor, as long as that is open
	d            *desc.Desc // nil for an FD and an Object
	hook         *desc.Hook // the hook in d, as long as d is open
	custom       Object
	subscribe    func(f func()) (stop func()) // subscribes to custom, if that is a Notifier
	unsubscribe  func()                       // ends the subscription of this entry
	at           int                          // the index of the entry in closedObjects or custom
}

// A node is one descriptor number with its entries. The kernel has one registration for each
// number.
type node struct {
	fd       int32
	gen      uint32
	inKernel bool // registered; false for files and for numbers that are not open
	polled   bool // the node is in set.polled
	at       int  // the index of the node in polled
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

// owner is the kernel of a Poll's Desc. Its Close closes the Poller.
type owner struct {
	kernel.Kernel
	q poller.Poller
}

func (o owner) Close(int) kernel.Errno { return number(o.q.Close()) }

// own returns the Poll's own Desc, even if that is closed.
func (s *set) own() *desc.Desc {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ensurePoller()
	return s.d
}

// ensurePoller makes the Poller, if there is none. If no descriptor is free, polls work without a
// Poller (see fallback.go), and the next call tries again. The only error is EBADF. The caller
// holds mu. It must also hold mu for each function below that does not lock mu itself.
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
	s.d.SetObjects(s.count)
	s.d.AddHook(&desc.Hook{F: s.dropAll})
	s.events = make([]poller.Event, 64)
	for _, n := range s.nodes { // these nodes were registered while there was no Poller
		_ = s.updateKernel(n) // if the Poller refuses a number, polls still ask it
	}
	return 0
}

// reportsUnasked returns whether a registration with an empty interest reports Err and Hup. In a
// kqueue it does not. So there such a node is registered for everything, and each poll also asks
// it. That registration is edge-triggered, so that it wakes a poll only once. A simulated Poller
// has a method that says which system it simulates.
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

// closeUnreachable closes the set of a Poll that is unreachable. If the Poll belongs to a loop, the
// loop does that.
func (s *set) closeUnreachable() {
	if !s.w.Shared() && s.w.Post(func() { s.close() }) {
		return
	}
	s.close()
}

// dropAll unregisters everything. It is the hook of the Poll's own Desc.
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

// notify is the function that Notifiers get.
func (s *set) notify() {
	s.mu.Lock()
	if !s.closed && s.d != nil {
		s.changed()
	}
	s.mu.Unlock()
}

// changed makes polls in progress collect again. Wake makes the descriptor of the Poller ready,
// which ends their wait as an Event does. Any goroutine may call changed.
func (s *set) changed() {
	s.changes++
	if s.waiting > 0 {
		s.wake()
	}
}

func (s *set) wake() {
	if s.d == nil {
		return // a poll that waits collects every millisecond
	}
	if err := s.q.Wake(); err != nil {
		panic("sel: cannot wake a poll: " + err.Error())
	}
}

// entryOf makes an entry for an object. If the object cannot be registered, it returns ErrValue.
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
	case *socket.SSLStream:
		p, err := layerOf(o)
		if err != nil {
			return nil, err
		}
		e.custom = p
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

// embedded returns the socket that a struct of user code embeds, or nil. Such a struct cannot have
// a method Socket, because its field has that name.
func embedded(obj Pollable) Pollable {
	v := reflect.Indirect(reflect.ValueOf(obj))
	if v.Kind() != reflect.Struct {
		return nil
	}
	for _, name := range []string{"Socket", "SSLSocket", "SSLStream"} {
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
		case *socket.SSLStream:
			if s != nil {
				return s
			}
		}
	}
	return nil
}

// A wrapper has a method that returns its socket. It may be a type of user code, or a connection of
// netconn.
type wrapper interface{ Socket() *socket.Socket }

// described is for tests of this module. Other modules cannot have such a method, because desc is
// an internal package.
type described interface{ Desc() *desc.Desc }

// usable returns whether obj can be a key of a map, and whether its methods can be called.
func usable(obj Pollable) bool {
	v := reflect.ValueOf(obj)
	switch v.Kind() {
	case reflect.Invalid:
		return false
	case reflect.Pointer:
		return !v.IsNil()
	}
	return v.Comparable() // this allocates
}
