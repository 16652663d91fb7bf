// Package simnet is a simulated network for ordinary Go programs: goroutines, time.Sleep, net/http
// and everything else that is written for net.Conn, net.Listener and net.PacketConn. Latency, loss,
// resets, partitions and crashed hosts come from a seed, in virtual time.
//
// A Net is a sim.World in a bubble of package testing/synctest. The bubble's clock is the World's:
// it jumps to the next event when every goroutine waits. A test of many seeds calls Run inside
// simtest.Check; a single test calls New inside synctest.Test.
//
//	simtest.Check(t, 1000, func(w *sim.World) error {
//		return simnet.Run(t, w, func(n *simnet.Net) error {
//			server, client := n.Host("10.0.0.1"), n.Host("10.0.0.2")
//			l, err := server.Listen("tcp", ":80")
//			…
//			go http.Serve(l, handler)
//			c := http.Client{Transport: &http.Transport{DialContext: client.DialContext}}
//
// The Go scheduler orders the goroutines, so one seed is not one history, as it is for programs on
// a reactor. The promise is: one seed has the same faults at the same virtual times, as long as the
// goroutines make the same calls at these times. Of several goroutines that make the same kind of
// call on one descriptor at one time, the first one meets the fault.
package simnet
