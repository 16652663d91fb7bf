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
	// Inspected returns the methods of a *reactor.Reactor for package inspect.
	Inspected func(reactor any) Inspectable
	// LoopStack returns the stack of the *reactor.Reactor at this address: the present one, or an
	// earlier one that was read after since. Package inspect sets it, because only its pages show
	// stacks.
	LoopStack func(reactor uintptr, since time.Time) string
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

// An Inspectable is a loop that package inspect shows. Any goroutine may call its methods. They are
// behind an interface so that the linker drops them in programs that do not call them.
type Inspectable interface {
	// Picture collects a picture of the loop and calls then once. It does so on the loop, or at
	// once with an error if the loop has ended. A loop that hangs calls then later.
	Picture(then func(*Loop, error))
	// Recent returns the latest errors and slow callbacks. It does not wait for the loop.
	Recent() Recent
	// Act makes the loop perform the action of an operator, and calls then as Picture does.
	Act(a Action, id ID, then func(error))
}

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
