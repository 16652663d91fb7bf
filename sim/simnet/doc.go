// Package simnet is a simulated network for ordinary Go programs: goroutines, time.Sleep, net/http
// and everything else that is written for net.Conn, net.Listener and net.PacketConn. The seed
// decides latency, loss, resets, partitions and crashes of hosts. All of them happen in virtual
// time.
//
// A Net is a sim.World in a bubble of package testing/synctest. The bubble and the World share one
// clock: when every goroutine waits, the clock jumps to the next event. A test of many seeds calls
// Run inside simtest.Check. A single test calls New inside synctest.Test.
//
//	simtest.Check(t, 1000, func(w *sim.World) error {
//		return simnet.Run(t, w, func(n *simnet.Net) error {
//			server, client := n.Host("10.0.0.1"), n.Host("10.0.0.2")
//			l, err := server.Listen("tcp", ":80")
//			…
//			go http.Serve(l, handler)
//			c := http.Client{Transport: &http.Transport{DialContext: client.DialContext}}
//
// For programs on a reactor one seed gives one history. For goroutines it does not, because the Go
// scheduler decides in which order they run. The promise for goroutines is: a seed has the same
// faults at the same virtual times, as long as the goroutines make the same calls at these times.
// If several goroutines make the same kind of call on one descriptor at one virtual time, the first
// of these calls gets the fault. EAGAIN holds until the time advances.
package simnet
