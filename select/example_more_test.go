//go:build unix

package sel_test

import (
	"fmt"
	"log"
	"os"
	"sync"

	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// A descriptor can be registered by its number.
func ExampleFD() {
	r, w, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	p := sel.New()
	defer p.Close()
	if err := p.Register(sel.FD(r.Fd()), sel.POLLIN); err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(w, "x")
	events, err := p.Poll(-1)
	fmt.Println(events[0].Events, err)
	// Output: IN <nil>
}

// A mailbox is an Object of user code. It is ready for reading while it has a message.
type mailbox struct {
	mu       sync.Mutex
	messages []string
	notify   func()
}

func (m *mailbox) Poll(mask sel.Events) (sel.Events, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.messages) == 0 {
		return 0, nil
	}
	return mask & sel.POLLIN, nil
}

func (m *mailbox) Notify(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notify = f
}

func (m *mailbox) put(s string) {
	m.mu.Lock()
	m.messages = append(m.messages, s)
	f := m.notify
	m.mu.Unlock()
	if f != nil {
		f()
	}
}

// A Poll asks an Object every millisecond. If the Object has a method Notify, the Poll asks only
// after the Object has called f.
func ExampleNotifier() {
	var _ sel.Notifier = (*mailbox)(nil)
	m := &mailbox{}
	p := sel.New()
	defer p.Close()
	if err := p.Register(m, sel.POLLIN); err != nil {
		log.Fatal(err)
	}
	go m.put("hello")
	events, err := p.Poll(-1)
	fmt.Println(events[0].Obj.(*mailbox).messages[0], events[0].Events, err)
	// Output: hello IN <nil>
}

// IPoll iterates over the ready objects, and allocates nothing.
func ExamplePoll_IPoll() {
	s, err := socket.New(socket.AF_INET, socket.SOCK_DGRAM, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	p := sel.New()
	defer p.Close()
	if err := p.Register(s, sel.POLLIN|sel.POLLOUT); err != nil {
		log.Fatal(err)
	}
	ready, err := p.IPoll(-1, 0)
	if err != nil {
		log.Fatal(err)
	}
	for obj, events := range ready {
		fmt.Println(obj == s, events)
	}
	// Output: true OUT
}

// Select waits for sockets without a Poll, and registers nothing.
func ExampleSelect() {
	s, err := socket.New(socket.AF_INET, socket.SOCK_DGRAM, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	readable, writable, _, err := sel.Select([]sel.Pollable{s}, []sel.Pollable{s}, nil, 1)
	fmt.Println(len(readable), len(writable), err)
	// Output: 0 1 <nil>
}
