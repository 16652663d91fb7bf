package inside

import (
	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/poller"
)

var (
	// Waiter returns how calls on objects of a *reactor.Reactor wait: by suspending the Task that
	// runs.
	Waiter func(reactor any) desc.Waiter
	// Desc returns the Desc of a *socket.Socket.
	Desc func(socket any) *desc.Desc
	// Secure returns the Readier of a *socket.SSLSocket, which a Poll asks.
	Secure func(socket any) Readier
)

// A Readier has a descriptor and may also hold input of its own. Any number of Polls may subscribe.
type Readier interface {
	// PollReady returns the part of want that the object is ready for. It does not wait, and it
	// holds no lock for long.
	PollReady(want poller.Interest) (poller.Readiness, desc.Errno)
	// Subscribe calls f whenever the readiness may have changed, until stop is called.
	Subscribe(f func()) (stop func())
}
