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
	// Secure returns what a Poll asks a *socket.SSLSocket.
	Secure func(socket any) Readier
)

// A Readier has a descriptor, and input of its own. Any number of Polls may subscribe to one.
type Readier interface {
	// PollReady returns for what of want the object is ready. It takes no lock for long and does
	// not wait.
	PollReady(want poller.Interest) (poller.Readiness, desc.Errno)
	// Subscribe has f called whenever the readiness may have changed, until stop is called.
	Subscribe(f func()) (stop func())
}
