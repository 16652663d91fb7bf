//go:build unix

package sel_test

import (
	"errors"
	"fmt"
	"log"
	"syscall"

	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// A slowObject is an Object of user code. The third call of its method Poll is the first one that
// finds it ready.
type slowObject struct{ polls int }

func (c *slowObject) Poll(mask sel.Events) (sel.Events, error) {
	if c.polls++; c.polls < 3 {
		return 0, nil
	}
	return mask & sel.POLLIN, nil
}

// A Poll asks an Object every millisecond. An Event has the Object that is ready.
func ExampleObject() {
	var obj sel.Object = &slowObject{}
	p := sel.New()
	defer p.Close()
	if err := p.Register(obj, sel.POLLIN); err != nil {
		log.Fatal(err)
	}
	events, err := p.Poll(-1)
	if err != nil {
		log.Fatal(err)
	}
	var first sel.Event = events[0]
	fmt.Println(first.Obj == obj, first.Events, obj.(*slowObject).polls)
	// Output: true IN 3
}

// Errors are those of package socket. They have the errno of MicroPython's OSError.
func ExampleOSError() {
	s, err := socket.New(socket.AF_INET, socket.SOCK_DGRAM, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	p := sel.New()
	defer p.Close()
	err = p.Modify(s, sel.POLLIN) // s is not registered
	var e *sel.OSError
	fmt.Println(errors.As(err, &e) && e.Errno == int(syscall.ENOENT))
	// Output: true
}
