package inside

import (
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/kernel"
	"github.com/ureactor/ureactor/poller"
)

var (
	// Waiter returns the Waiter for calls on objects of a *reactor.Reactor. It makes a call wait by
	// suspending the Task that runs.
	Waiter func(reactor any) desc.Waiter
	// Inspected returns the methods of a *reactor.Reactor for package inspect.
	Inspected func(reactor any) Inspectable
	// LoopStack returns the stack of the *reactor.Reactor at this address. If a stack of this Reactor
	// was read after since, LoopStack may return that one. Package inspect sets LoopStack, because
	// only its pages show stacks.
	LoopStack func(reactor uintptr, since time.Time) string
	// Net makes a *netconn.Net whose callers are goroutines, with any Kernel.
	Net func(k kernel.Kernel, w desc.Waiter) any
	// Socket makes a *socket.Socket, and Poll makes a *sel.Poll. Their callers are goroutines.
	Socket func(k kernel.Kernel, w desc.Waiter, family, typ, proto int) (any, error)
	Poll   func(k kernel.Kernel, w desc.Waiter) any
	// Desc returns the Desc of a *socket.Socket.
	Desc func(socket any) *desc.Desc
	// Secure returns the Readier of a *socket.SSLSocket. A Poll asks the Readier.
	Secure func(socket any) Readier
	// Under returns the Layer of a *socket.SSLStream. A Poll asks the Layer.
	Under func(stream any) Layer
)

// An Inspectable is a loop that package inspect shows. Any goroutine may call its methods. It is an
// interface so that the linker drops these methods from programs that do not import package
// inspect.
type Inspectable interface {
	// Picture collects a picture of the loop, and then calls the function `then` once, on the loop.
	// If the loop has ended, Picture calls `then` at once, with an error. If the loop hangs, `then`
	// is called when the loop continues.
	Picture(then func(*Loop, error))
	// Recent returns the latest errors and slow callbacks. It does not wait for the loop.
	Recent() Recent
	// Act makes the loop perform an operator's action. It calls `then` in the same way as Picture.
	Act(a Action, id ID, then func(error))
}

// A Readier has a descriptor, and may also hold input that it has already read from the descriptor.
// Any number of Polls may subscribe.
type Readier interface {
	// PollReady returns the readiness of the object, as far as `want` asks for it. It does not
	// wait, and it holds no lock for a long time.
	PollReady(want poller.Interest) (poller.Readiness, desc.Errno)
	// Subscribe makes the object call f whenever its readiness may have changed, until stop is called.
	Subscribe(f func()) (stop func())
}

// A Layer is TLS on a stream. It is ready or not depending on the readiness of the stream.
type Layer interface {
	// Stream returns the stream.
	Stream() any
	// Ask returns how to find out whether the Layer is ready for `want`. `ask` is the readiness to
	// wait for on the stream. `has` is the readiness that is known without the stream. EBADF means
	// that the Layer is closed or has failed.
	Ask(want poller.Interest) (ask poller.Interest, has poller.Readiness, e desc.Errno)
}
