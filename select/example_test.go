package sel_test

import (
	"fmt"

	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// A Poll has two datagram sockets. It reports the one that has input.
func Example() {
	a, err := socket.New(socket.AF_INET, socket.SOCK_DGRAM, 0)
	if err != nil {
		return
	}
	defer a.Close()
	b, err := socket.New(socket.AF_INET, socket.SOCK_DGRAM, 0)
	if err != nil {
		return
	}
	defer b.Close()
	b.Bind(socket.Tuple("127.0.0.1", 0))

	p := sel.New()
	defer p.Close()
	p.Register(a, sel.POLLIN)
	p.Register(b, sel.POLLIN)

	to, _ := b.LocalAddr()
	a.SendTo([]byte("hello"), to)
	events, err := p.Poll(1000)
	for _, ev := range events {
		text, _ := ev.Obj.(*socket.Socket).Recv(100)
		fmt.Printf("%v %s, %v\n", ev.Events, text, err)
	}
	// Output: IN hello, <nil>
}
