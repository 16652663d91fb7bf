package hazard

import (
	"fmt"
	"time"

	"github.com/ureactor/ureactor/bench/server"
)

// The bounds are wide on purpose. A row tests growth, spinning and loss, but not speed.
const (
	halfCloseSize = 8 << 20
	stuckMemory   = 16 << 20 // the server's additional memory
	stuckEach     = 1 << 20  // for each stuck peer
	stuckCPU      = 0.05     // of a core, while peers are stuck
	fullCPU       = 0.10     // of a core, at the descriptor limit
	idleWakes     = 10.0     // context switches a second, of all threads
	idleCPU       = 0.005    // of a core
	fairness      = 50 * time.Millisecond
	floodBound    = 10 * time.Millisecond // on an otherwise quiet machine
	pieceCPU      = 20 * time.Microsecond
)

// rows has the scoreboard. To add a row, add an entry here.
var rows = []Row{
	{Name: "half-close", Run: halfClose,
		Pass: "a client sends 8 MiB, half-closes and reads only then: every byte comes back, then the end"},
	{Name: "short requests", Run: shortRequests,
		Pass: "2,000 clients (500 with -quick) connect, send 5 bytes and half-close at once: all are answered"},
	{Name: "1 never reads", Run: func(t *Target) (string, error) { return neverReads(t, 1, 256<<20) },
		Pass: fmt.Sprintf("a peer sends up to 256 MiB and never reads: memory grows by at most %d MiB, a core is used at most %.0f %%, others are answered", (stuckMemory+stuckEach)>>20, 100*stuckCPU)},
	{Name: "50 never read", Run: func(t *Target) (string, error) { return neverReads(t, 50, 8<<20) },
		Pass: fmt.Sprintf("50 peers send up to 8 MiB each and never read: at most %d MiB, else as above", (stuckMemory+50*stuckEach)>>20)},
	{Name: "descriptor limit", Run: descriptorLimit, Files: 64,
		Pass: fmt.Sprintf("120 clients come at a limit of 64 descriptors: it lives, serves those who are in, uses a core at most %.0f %%, and serves again when they have left", 100*fullCPU)},
	{Name: "RST/FIN churn", Run: churn,
		Pass: "3,000 connections (600 with -quick) end by FIN or reset, with data under way or not: no descriptor is left, it lives"},
	{Name: "drain", Run: drain, Args: []string{"-stop"}, Needs: stops,
		Pass: "SIGTERM while a peer has not read its answers: all that the server had taken comes back, then the end, and the server ends"},
	{Name: "idle", Run: idle, Tries: 3,
		Pass: fmt.Sprintf("100 idle connections: at most %.0f context switches a second in all threads, %.1f %% of a core; the best of 3", idleWakes, 100*idleCPU)},
	{Name: "trickle beside bulk", Run: fair, Tries: 3,
		Pass: fmt.Sprintf("a byte there and back beside 4 streams of 1 MiB messages: 99 of 100 within %v; the best of 3", fairness)},
	{Name: "echo alone", Tries: 3, Run: func(t *Target) (string, error) { return t.beside(nil, 0) },
		Pass: fmt.Sprintf("the control of the rows below: a byte there and back with nothing beside it: 99 of 100 within %v; the best of 3", floodBound)},
	flooded("posts"), flooded("timers"), flooded("dials"), flooded("datagrams"),
	{Name: "echo beside accepts", Run: besideAccepts, Tries: 3,
		Pass: fmt.Sprintf("a byte there and back beside 4 clients that connect and reset without end: 99 of 100 within %v; the best of 3", floodBound)},
	{Name: "echo beside bytes", Run: besideBytes, Tries: 3,
		Pass: fmt.Sprintf("a byte there and back beside 4 streams that send and read without end: 99 of 100 within %v; the best of 3", floodBound)},
	{Name: "TLS: echo beside records", Run: besideBytes, Protocol: "tls", Tries: 3,
		Pass: fmt.Sprintf("the same over TLS: 99 of 100 within %v; the best of 3", floodBound)},
	{Name: "TLS: echo beside KeyUpdates", Run: besideKeyUpdates, Protocol: "tls", Tries: 3,
		Pass: fmt.Sprintf("a byte there and back beside 4 clients that ask for new keys without end, 16 times for each byte: 99 of 100 within %v; the best of 3", floodBound)},
	{Name: "slow-loris", Run: slowLoris, Tries: 3,
		Pass: fmt.Sprintf("500 connections send a byte every 100 ms: every byte comes back, and to another client 99 of 100 answers within %v; the best of 3", fairness)},
	{Name: "garbage", Run: garbage,
		Pass: "20 connections send random bytes in random pieces, read late and little, and half-close: all comes back as it was"},
	{Name: "TLS: half-close", Run: halfClose, Protocol: "tls",
		Pass: "half-close over TLS, by close_notify and FIN: every byte comes back, then the server's close_notify"},
	{Name: "TLS: 50 never read", Run: func(t *Target) (string, error) { return neverReads(t, 50, 8<<20) }, Protocol: "tls",
		Pass: fmt.Sprintf("50 peers that never read, over TLS: at most %d MiB, else as above", (stuckMemory+50*stuckEach)>>20)},
	{Name: "TLS: garbage", Run: garbage, Protocol: "tls",
		Pass: "random pieces, late and slow readers, over TLS: all comes back as it was"},
	{Name: "TLS: stopped handshakes", Run: stoppedHandshakes, Protocol: "tls", Args: []string{"-patience", "1s"},
		Pass: "30 peers say nothing, half a ClientHello, or no more than that; a handshake has 1 s: others are served meanwhile, all are gone, and no descriptor is left, nor a goroutine in each of 4 rounds (the deadline of net's handler is its own)"},
	{Name: "TLS: not TLS", Run: notTLS, Protocol: "tls",
		Pass: fmt.Sprintf("90 peers send HTTP, random bytes, records that are too long, cut off or forged, before and after the handshake: they are gone within %v, else as above", atOnce)},
	{Name: "HTTP: half a request", Run: halfRequests, Protocol: "http", Args: []string{"-patience", "1s"},
		Pass: "40 peers say nothing, half a line, a head without its end, or a byte now and then; a head has 1 s: others are served meanwhile, all are gone, and no descriptor is left, nor a goroutine in each of 4 rounds"},
	{Name: "HTTP: head that trickles", Run: tricklingHeads, Protocol: "http", Args: []string{"-patience", "1s"},
		Pass: "10 peers send a byte of a valid head every 20 ms without end; a head has 1 s: else as above"},
	{Name: "HTTP: endless head", Run: func(t *Target) (string, error) { return endless(t, endlessHead) }, Protocol: "http",
		Pass: fmt.Sprintf("4 peers send heads without end, up to 64 MiB each: the server ends each connection, memory grows by at most %d MiB, and others are served", (stuckMemory+4*stuckEach)>>20)},
	{Name: "HTTP: endless body", Run: func(t *Target) (string, error) { return endless(t, endlessBody) }, Protocol: "http",
		Pass: "4 peers send chunks without end: as above"},
	{Name: "HTTP: one-byte pieces", Run: httpPieces, Protocol: "http",
		Pass: fmt.Sprintf("a body of a million bytes, each in a write of its own, is answered, with at most %v of CPU a byte", pieceCPU)},
	{Name: "frame: endless frame", Run: func(t *Target) (string, error) { return endless(t, endlessFrame) }, Protocol: "frame",
		Pass: "4 peers send a frame of 4 GiB where 64 KiB are the limit: as above"},
	{Name: "frame: one-byte pieces", Run: framePieces, Protocol: "frame",
		Pass: fmt.Sprintf("frames of a million bytes, each byte in a write of its own, come back, with at most %v of CPU a byte", pieceCPU)},
	{Name: "WebSocket: million fragments", Run: manyFragments, Protocol: "websocket",
		Pass: fmt.Sprintf("a message of a million fragments comes back, with at most %v of CPU each", pieceCPU)},
	{Name: "WebSocket: endless message", Run: endlessMessage, Protocol: "websocket",
		Pass: fmt.Sprintf("4 peers send fragments without end where 2 MiB are the limit: the server ends each connection, memory grows by at most %d MiB, and others are served", messageMemory>>20)},
	{Name: "WebSocket: compression bomb", Run: bombs, Protocol: "deflate",
		Pass: "4 peers send messages that are a thousand times as large when decompressed: as above"},
	{Name: "WebSocket: ping flood", Run: pingFlood, Protocol: "websocket",
		Pass: fmt.Sprintf("50 peers send up to 8 MiB of pings and read no pong: memory grows by at most %d MiB, a core is used at most %.0f %%, others are answered", (stuckMemory+50*stuckEach)>>20, 100*stuckCPU)},
	{Name: "WebSocket: never reads", Run: messagesUnread, Protocol: "websocket",
		Pass: "50 peers send up to 8 MiB of messages and read no echo: as above"},
	{Name: "panic", Run: panics, Args: []string{"-panic"}, Needs: hasPanics,
		Pass: "a handler panics, contained by what the library offers (the user's recover where the goroutine is the user's): the server and the other connections live"},
	{Name: "net.Conn", Run: conn, Needs: hasConn,
		Pass: "golang.org/x/net/nettest.TestConn, its 11 subtests each in a process of its own"},
}

func stops(s server.Style) string {
	if s.Stops {
		return ""
	}
	return "no stop of its own"
}

func hasPanics(s server.Style) string {
	if s.Name == "c" {
		return "no panics"
	}
	return ""
}

func hasConn(s server.Style) string {
	if s.Conn == "" {
		return "no net.Conn"
	}
	return ""
}
