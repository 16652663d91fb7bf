package sel

import (
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"weak"
)

// A Notifier has one slot for a function, and any number of Polls may have it registered. So this
// package puts one function into the slot, a station's, which calls those of all the Polls.

// A notifierHub is what the slot of one Notifier has. It is held by the slot and by those who
// subscribe, and by nobody else: stations knows it weakly, so that an object which only its own
// registration has can be collected.
type notifierHub struct {
	mu   sync.Mutex // held while the slot is changed, so that the changes of several goroutines have an order
	list atomic.Pointer[[]*func()]
	f    func() // tell, made once
}

// hubs are those with subscribers, by keyOf their objects.
var hubs struct {
	mu sync.Mutex
	m  map[any]weak.Pointer[notifierHub]
}

// An address is the key of an object that is a pointer: it does not keep the object alive. It stays
// the object's as long as the station has subscribers, because these keep the object.
type address struct {
	typ reflect.Type
	at  uintptr
}

func keyOf(n Notifier) any {
	if v := reflect.ValueOf(n); v.Kind() == reflect.Pointer {
		return address{v.Type(), v.Pointer()}
	}
	return n
}

// subscribe has f called whenever n notifies, until stop is called. n's slot has a function from
// the first subscription to the end of the last.
func subscribe(n Notifier, f func()) (stop func()) {
	key, me := keyOf(n), &f
	st := hubOf(key)
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.change(nil, me) == 1 {
		n.Notify(st.f)
	}
	return func() {
		st.mu.Lock()
		defer st.mu.Unlock()
		if st.change(me, nil) == 0 {
			n.Notify(nil)
		}
		runtime.KeepAlive(n) // its address is the key
	}
}

// hubOf finds or makes the station of a key.
func hubOf(key any) *notifierHub {
	hubs.mu.Lock()
	defer hubs.mu.Unlock()
	if st := hubs.m[key].Value(); st != nil {
		return st
	}
	st := &notifierHub{}
	st.f = st.notifyAll
	if hubs.m == nil {
		hubs.m = map[any]weak.Pointer[notifierHub]{}
	}
	mine := weak.Make(st)
	hubs.m[key] = mine
	runtime.AddCleanup(st, func(key any) {
		hubs.mu.Lock()
		defer hubs.mu.Unlock()
		if hubs.m[key] == mine {
			delete(hubs.m, key)
		}
	}, key)
	return st
}

// change takes one function out of the list and puts another into it. It returns how many there
// are. With mu.
func (st *notifierHub) change(gone, come *func()) int {
	var list []*func()
	if old := st.list.Load(); old != nil {
		list = slices.DeleteFunc(slices.Clone(*old), func(f *func()) bool { return f == gone })
	}
	if come != nil {
		list = append(list, come)
	}
	st.list.Store(&list)
	return len(list)
}

// notifyAll takes no lock, because Notify may call it.
func (st *notifierHub) notifyAll() {
	if list := st.list.Load(); list != nil {
		for _, f := range *list {
			(*f)()
		}
	}
}
