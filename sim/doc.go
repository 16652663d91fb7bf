// Package sim is a deterministic world for programs that run on a reactor: hosts, a network, a
// clock, and everything that can go wrong with them. Each seed has one history: the same calls have
// the same results at the same virtual times, on every machine. So you can repeat a failure as
// often as you like, even if only one seed in a million shows it.
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
// A Host is a Kernel. Each program is a coroutine: while its reactor sleeps the world continues,
// and the clock jumps to the next event. A World and everything in it belong to one goroutine.
//
// Simulated programs must not use anything that could change their history: goroutines of their
// own, time.Now, the global math/rand, or the order of maps. They must not use reactor.Shutdown,
// which blocks a goroutine: call Close on the loop. Objects whose calls park a goroutine
// (socket.New, sel.New) belong to the real kernel. A reactor's Await runs its function inline after
// a delay, so the function must not block.
//
// Each host has its own time and date. A program reads them with Host.Time, or with Reactor.Time
// and netconn's Net.Time, which are time.Now on the real kernel. A program makes random choices
// with Host.Rand.
//
// Faults happen by chance (Options.Faults, World.SetFaults, Host.SetFaults), at the nth call
// (Host.Inject) or packet (Host.InjectPacket), at a time (World.At), or in a Swizzle. Package
// simtest runs a test under many seeds, and prints the command that replays a seed that failed.
// Shrink finds out which of the faults are needed. WriteDiagram and WriteSVG draw the history.
package sim
