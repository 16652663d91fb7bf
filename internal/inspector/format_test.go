//go:build unix

package inspector

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The JSON of a page is equal to the output of encoding/json for the same value.
func TestJSONIsThatOfTheStandardLibrary(t *testing.T) {
	left, at := 1e-7, time.Date(2026, 2, 3, 4, 5, 6, 7, time.UTC)
	for _, v := range []any{
		&connRow{ID: "1-2-3", Peer: "\x00\x7f\u2028<&>\"\\é\xff", State: []string{}, Idle: &left, TLS: &tlsRow{Version: "v"}, In: 1<<64 - 1, Stuck: 1e9},
		&connsPage{Conns: []*connRow{{}, {State: []string{"a", "b"}}}},
		&eventsPage{Slow: []*slowRow{{Time: at}}, Log: []*lineRow{}},
		&loopView{loopRow: loopRow{Loop: 3, Utilization: 0.25, Pictured: -1}, Stack: "a\n\tb"},
		&tasksPage{Watches: []*watchRow{{Waiters: []string{"x"}}}, Tasks: []*taskRow{}},
		&overviewPage{Findings: []finding{{Level: "problem"}}},
	} {
		var got, want any
		ours := appendJSON(nil, reflect.ValueOf(v))
		if err := json.Unmarshal(ours, &got); err != nil {
			t.Errorf("%v:\n%s", err, ours)
		}
		theirs, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		_ = json.Unmarshal(theirs, &want)
		if null, err := json.Marshal(want); err == nil {
			// encoding/json writes null for nil slices. There is no other null.
			theirs = bytes.ReplaceAll(null, []byte("null"), []byte("[]"))
		}
		_ = json.Unmarshal(theirs, &want)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("ours:\n%s\ntheirs:\n%s", ours, theirs)
		}
	}
	wantPanic(t, "no JSON for chan int", func() { appendJSON(nil, reflect.ValueOf(make(chan int))) })
}

// Durations, sizes and texts are formatted for people.
func TestTextsForPeople(t *testing.T) {
	for got, want := range map[string]string{
		secondsText(-1): "0 s", secondsText(2e-6): "2 µs", secondsText(0.0123): "12.3 ms", secondsText(1.25): "1.2 s", secondsText(75): "1m15s",
		secondsText(7260): "2h1m", secondsText(100000): "1d3h", bytesText(0): "0 B", bytesText(999): "999 B", bytesText(1000): "1.0 KiB",
		bytesText(150 << 10): "150 KiB", bytesText(3 << 40): "3.0 TiB", bytesText(5 << 50): "5120 TiB",
		countText(0.5): "0.5", countText(12): "12", countText(12345): "12 k", countText(2e6): "2.0 M",
		clean("plain é"): "plain é", clean("a\x1bb\n\xff"): `a\x1bb\n\xff`, clean(strings.Repeat("é", 200)): strings.Repeat("é", 100) + "…",
		cleanLines("f(0x1)\n\t/a/b.go:1\x1b\n"): "f(0x1)\n    /a/b.go:1\\x1b\n",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
