package sim_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
)

// Two drawings of an echo with losses have the same bytes. A drawing is XML in which all text is
// escaped. It has a lifeline for each host that does something, and an arrow for each packet.
// Faults and the failure are red.
func TestDrawingOfAHistory(t *testing.T) {
	draw := func() (string, *sim.World) {
		w, good := echoWorld(t, 5, sim.Options{Trace: -1, Faults: sim.Faults{Loss: 10 * sim.Percent, ShortRead: 10 * sim.Percent}}, 2, 3000)
		w.Host("10.0.9.9") // does nothing
		if err := w.RunUntil(func() bool { return good() == 2 }, time.Minute); err != nil {
			t.Fatal(err)
		}
		w.Note(`<script> & "quotes"`)
		w.Fail(errors.New("it is broken\nfor good"))
		var b bytes.Buffer
		if err := w.WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		w.Close()
		return b.String(), w
	}
	picture, w := draw()
	if again, _ := draw(); again != picture {
		t.Error("two drawings of one history differ")
	}
	var trace bytes.Buffer
	w.WriteTrace(&trace)
	packets := -strings.Count(trace.String(), "! packet")
	for line := range strings.Lines(trace.String()) {
		if strings.Contains(line, " → ") && !strings.Contains(line, " connect(") && !strings.Contains(line, " accept(") {
			packets++
		}
	}
	lost := len(w.Faults()) - strings.Count(trace.String(), "short,")
	classes := classesOf(t, picture)
	for want, n := range map[string]int{"text host": 3, "line life": 3, "line ": packets - lost, "line bad": lost, "circle bad": len(w.Faults()),
		"text fail": 1, "rect fail": 1, "text note": 1} {
		if classes[want] != n {
			t.Errorf("%d of %q, want %d", classes[want], want, n)
		}
	}
	if lost == 0 || strings.Contains(picture, "<script") || !strings.Contains(picture, ">FAIL it is broken…<title>") {
		t.Errorf("%d lost; or a text is wrong", lost)
	}
}

// classesOf counts the elements of each name and class.
func classesOf(t *testing.T, picture string) map[string]int {
	n := map[string]int{}
	d := xml.NewDecoder(strings.NewReader(picture))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			for _, a := range e.Attr {
				if a.Name.Local == "class" {
					n[e.Name.Local+" "+a.Value]++
				}
			}
		}
	}
}

// An arrow begins in the row of the call that has sent the packet, and ends in the row of the
// packet's arrival.
func TestArrowsBeginAtTheirCall(t *testing.T) {
	w := sim.New(1, sim.Options{Trace: -1})
	defer w.Close()
	a, b := w.Host("10.0.0.1"), w.Host("10.0.0.2")
	s, _ := b.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
	b.Bind(s, kernel.Inet(addr("10.0.0.2:9")))
	c, _ := a.Socket(kernel.AF_INET, kernel.SOCK_DGRAM, 0)
	a.SendTo(c, []byte("x"), 0, kernel.Inet(addr("10.0.0.2:9")))
	a.LocalAddr(c)
	w.Run(time.Second)
	var p bytes.Buffer
	w.WriteSVG(&p)
	// The rows are socket, bind, socket, sendto, getsockname and the arrival. They begin at 56, and
	// their distance is 17.
	if want := fmt.Sprintf(`x1="130" y1="%d" x2="410" y2="%d"`, 56+3*17, 56+5*17); !strings.Contains(p.String(), want) {
		t.Errorf("no arrow %s in\n%s", want, p.String())
	}
	w.KeepLast(3) // from sendto on
	p.Reset()
	w.WriteSVG(&p)
	if want := fmt.Sprintf(`x1="130" y1="%d" x2="410" y2="%d"`, 56, 56+2*17); !strings.Contains(p.String(), want) {
		t.Errorf("from the first row: no arrow %s in\n%s", want, p.String())
	}
}

// WriteSVG returns the error of its writer.
func TestDrawingTellsOfTheWriter(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := w.WriteSVG(f); err == nil {
		t.Error("no error from a file that cannot be written to")
	}
}

// The pages of a drawing contain each row exactly once, and no page is higher than the limit. Each
// page has the names of its hosts and the number of its faults.
func TestPagesOfADrawing(t *testing.T) {
	w, good := echoWorld(t, 5, sim.Options{Trace: -1, Faults: sim.Faults{Loss: 10 * sim.Percent, ShortRead: 10 * sim.Percent}}, 2, 30_000)
	if err := w.RunUntil(func() bool { return good() == 2 }, time.Minute); err != nil {
		t.Fatal(err)
	}
	w.At(0, w.Host("10.0.8.1").Crash)
	w.Run(time.Second)
	w.Fail(errors.New("it is broken"))
	var whole bytes.Buffer
	w.WriteSVG(&whole)
	pages := w.SVGPages()
	w.Close()
	count := func(c map[string]int) int {
		return c["text call"] + c["text err"] + c["text bad"] + c["text note"] + c["text fail"] + c["text pkt"] + c["text pkt end"]
	}
	rows, faults, fails := 0, 0, 0
	for i, p := range pages {
		classes := classesOf(t, string(p.SVG))
		rows += count(classes)
		faults += p.Faults
		if p.Fails {
			fails++
		}
		var width, height int
		if fmt.Sscanf(string(p.SVG[bytes.Index(p.SVG, []byte(" width=")):]), ` width="%d" height="%d"`, &width, &height); height > 1550 || height < 50 {
			t.Errorf("page %d is %d high", i+1, height)
		}
		if classes["text host"] < 1 || !bytes.Contains(p.SVG, fmt.Appendf(nil, "page %d of %d", i+1, len(pages))) {
			t.Errorf("page %d has %d hosts", i+1, classes["text host"])
		}
	}
	if want := count(classesOf(t, whole.String())); rows != want || len(pages) < 3 || faults != len(w.Faults()) || fails != 1 || !pages[len(pages)-1].Fails {
		t.Errorf("%d pages have %d rows of %d, %d faults of %d, %d failures", len(pages), rows, want, faults, len(w.Faults()), fails)
	}
	if none := sim.New(1, sim.Options{}); none.SVGPages() != nil {
		t.Error("a world without a trace has pages")
	}
}
