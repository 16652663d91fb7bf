package sim_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/sim"
)

// If a text names the address of a connection, WriteNamed writes all calls on both ends of this
// connection, from connect and accept to close. It writes no calls on other connections, even if
// the address of another connection is a prefix of the one in the text.
func TestCallsOnWhatATextNames(t *testing.T) {
	w, good := echoWorld(t, 5, sim.Options{Trace: -1}, 3, 4000)
	defer w.Close()
	if err := w.RunUntil(func() bool { return good() == 3 }, time.Minute); err != nil {
		t.Fatal(err)
	}
	w.Run(time.Second)
	var trace bytes.Buffer
	w.WriteTrace(&trace)
	_, after, _ := strings.Cut(trace.String(), "10.0.1.2 connect(1001) EINPROGRESS ")
	address, _, ok := strings.Cut(after, " → 10.0.0.1:7\n")
	if !ok {
		t.Fatalf("no address in\n%s", trace.String())
	}
	named := func(text string, most int) string {
		var b bytes.Buffer
		if err := w.WriteNamed(&b, text, most); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	text := named("it is "+address+": broken", 1000)
	for _, want := range []string{"10.0.1.2 connect(1001) EINPROGRESS " + address, "10.0.1.2 send(1001) = 4000 ", "10.0.1.2 close(1001) = 0\n",
		"10.0.0.1 accept(", " 10.0.0.1:7 → " + address + "\n", "10.0.0.1 recv(", "10.0.0.1 send(", "10.0.0.1 close("} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\ndoes not have %q", text, want)
		}
	}
	if strings.Contains(text, "10.0.1.1") || strings.Count(text, "accept(") != 1 || strings.Count(text, " close(") != 2 {
		t.Errorf("calls of other connections:\n%s", text)
	}
	if few := named(address, 4); strings.Count(few, "\n")-strings.Count(few, " … ") != 4 || !strings.Contains(few, "connect(") || !strings.Contains(few, " close(") {
		t.Errorf("four lines are\n%s", few)
	}
	for _, other := range []string{"", "ouch", "10.0.1.2", "10.0.0.1:7", address + "0", "10.0.1.2:1"} {
		if text := named(other, 1000); text != "" {
			t.Errorf("%q names\n%s", other, text)
		}
	}
}
