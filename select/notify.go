package sel

import (
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"weak"
)

// A Notifier stores one function, but any number of Polls may have registered the Notifier. So its
// function is that of a notifierHub, which calls the functions of all these Polls.

// A notifierHub calls the subscribers of one Notifier. Only the Notifier and the subscribers refer
// to the hub. The table hubs has weak pointers. So if only its own registration refers to an
// object, the garbage collector can free the object.
type notifierHub struct {
	mu   sync.Mutex // held while the Notifier's function and the list change, so that they agree
	list atomic.Pointer[[]*func()]
	f    func() // the method notifyAll; made once
}

// hubs has the hubs that have subscribers, by the keyOf of their objects.
var hubs struct {
	mu sync.Mutex
	m  map[any]weak.Pointer[notifierHub]
}

// An address is the key of an object that is a pointer. It does not keep the object alive. It is
// valid as long as the hub has subscribers, because these keep the object alive.
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

// subscribe makes n call f when n notifies, until stop is called. n has the function of the hub
// from the first subscription until the last one has ended.
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

// hubOf returns the hub of the key. If there is none, it makes one.
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

// change removes `gone` from the list and adds `come`. Each of them may be nil. It returns the
// length of the list. The caller holds mu.
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

// notifyAll calls the subscribers. It takes no lock, because Notify may call it.
func (st *notifierHub) notifyAll() {
	if list := st.list.Load(); list != nil {
		for _, f := range *list {
			(*f)()
		}
	}
}
