package simnet

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/sim"
)

// If a goroutine of a bubble waits for a real socket, Run reports the call, and does not hang
// silently. Run does not report goroutines that wait inside the bubble.
func TestRealSocketInABubbleIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func(d time.Duration, f func(string)) { patience, stalled = d, f }(patience, stalled)
	var report string
	patience, stalled = 20*time.Millisecond, func(text string) { report = text; l.Close() }
	if err := Run(t, sim.New(1, sim.Options{}), func(n *Net) error {
		h := n.Host("10.0.0.1")
		mine, err := h.Listen("tcp", ":80")
		if err != nil {
			return err
		}
		ended := make(chan error)
		go func() { _, err := mine.Accept(); ended <- err }()
		_, _ = l.Accept() // waits until the report
		err = mine.Close()
		<-ended
		return err
	}); err != nil {
		t.Error(err)
	}
	if !strings.Contains(report, "net.(*TCPListener).Accept") || strings.Contains(report, "netconn") {
		t.Errorf("the report is %q", report)
	}
}
