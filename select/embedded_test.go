package sel_test

import (
	"testing"

	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// A struct of user code embeds a socket. It cannot have a method Socket, because its field has that
// name. A Poll registers the embedded socket, and the results have the struct.
func TestStructThatEmbedsASocket(t *testing.T) {
	s, err := socket.New(socket.AF_INET, socket.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	type named struct {
		*socket.Socket
		name string
	}
	p := sel.New()
	defer p.Close()
	obj := &named{s, "a"}
	if err := p.Register(obj, sel.POLLOUT); err != nil {
		t.Fatal(err)
	}
	events, err := p.Poll(1000)
	if err != nil || len(events) != 1 || events[0].Obj != sel.Pollable(obj) || events[0].Events != sel.POLLOUT {
		t.Fatalf("%v, %v", events, err)
	}
	if err := p.Register(&named{}, sel.POLLIN); err == nil {
		t.Fatal("a struct without its socket was registered")
	}
}
