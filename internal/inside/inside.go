package inside

import (
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/kernel"
	"github.com/ureactor/ureactor/poller"
)

var (
	// Waiter returns how calls on objects of a *reactor.Reactor wait: by suspending the Task that
	// runs.
	Waiter func(reactor any) desc.Waiter
	// Picture collects a picture of a *reactor.Reactor and calls then once. It does so on the loop,
	// or at once with an error if the loop has ended. Any goroutine may call it. A loop that hangs
	// calls then later.
	Picture func(reactor any, then func(*Loop, error))
	// RecentOf returns the latest errors and slow callbacks of a *reactor.Reactor. It does not wait
	// for the loop.
	RecentOf func(reactor any) Recent
	// LoopStack returns the stack of the *reactor.Reactor at this address: the present one, or an
	// earlier one that was read after since. Package inspect sets it, because only its pages show
	// stacks.
	LoopStack func(reactor uintptr, since time.Time) string
	// Act makes a *reactor.Reactor perform the action of an operator, and calls then as Picture
	// does.
	Act func(reactor any, a Action, id ID, then func(error))
	// Net returns a *netconn.Net whose callers are goroutines, on any Kernel.
	Net func(k kernel.Kernel, w desc.Waiter) any
	// Socket makes a *socket.Socket, and Poll a *sel.Poll, whose callers are goroutines.
	Socket func(k kernel.Kernel, w desc.Waiter, family, typ, proto int) (any, error)
	Poll   func(k kernel.Kernel, w desc.Waiter) any
	// Desc returns the Desc of a *socket.Socket.
	Desc func(socket any) *desc.Desc
	// Secure returns the Readier of a *socket.SSLSocket, which a Poll asks.
	Secure func(socket any) Readier
	// Under returns the Layer of a *socket.SSLStream, which a Poll asks.
	Under func(stream any) Layer
)

// A Readier has a descriptor and may also hold input of its own. Any number of Polls may subscribe.
type Readier interface {
	// PollReady returns the part of want that the object is ready for. It does not wait, and it
	// holds no lock for long.
	PollReady(want poller.Interest) (poller.Readiness, desc.Errno)
	// Subscribe calls f whenever the readiness may have changed, until stop is called.
	Subscribe(f func()) (stop func())
}

// A Layer is TLS on a stream. Its readiness depends on that of the stream.
type Layer interface {
	// Stream returns the stream.
	Stream() any
	// Ask returns the readiness for which a poll for want must ask the stream, and the readiness
	// that is known already. EBADF means that the object is closed or has failed.
	Ask(want poller.Interest) (ask poller.Interest, has poller.Readiness, e desc.Errno)
}
