// Package sim is a deterministic world for programs that run on a reactor: hosts, a network, a
// clock and everything that can go wrong with them. One seed is one history: the same calls with
// the same results at the same virtual times, on every machine. So a failure that one seed in a
// million shows can be looked at as often as one likes.
//
//	w := sim.New(7, sim.Options{})
//	server := w.Host("10.0.0.1")
//	server.Boot("echo", func() {
//		r, err := reactor.New(reactor.WithKernel(server))
//		…
//		r.Run(context.Background())
//	})
//	w.Host("10.0.0.2").Boot("client", …)
//	err := w.Run(time.Minute) // of virtual time
//	w.Close()
//
// A Host is a Kernel. Each program is a coroutine: while its reactor sleeps the world goes on, and
// the clock jumps to whatever is next. A World and all that is on it belong to one goroutine. What
// would bring another history in is not for simulated programs: goroutines of their own, time.Now,
// the global math/rand, the order of maps, reactor.Shutdown (which blocks a goroutine; call Close
// on the loop), objects whose calls park (socket.New, sel.New: these are the real kernel's). A
// reactor's Await runs its function inline after a while, so it must not block.
//
// The time and date of a program are its host's: Host.Time, or Reactor.Time and netconn's Net.Time,
// which are time.Now on the real kernel. Its choices are Host.Rand's.
//
// Faults come by chance (Options.Faults, World.SetFaults, Host.SetFaults), at the nth call
// (Host.Inject) or packet (Host.InjectPacket), when World.At says so, or in a Swizzle. Package
// simtest runs a test under many seeds and prints what replays the one that failed; Shrink finds
// which of the faults it takes, WriteDiagram and WriteSVG draw it.
package sim
