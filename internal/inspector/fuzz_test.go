//go:build unix

package inspector

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// No request makes the inspector panic. No page contains markup of the client, and JSON is valid.
func FuzzServe(f *testing.F) {
	for _, target := range []string{"/", "/conns?sort=out&asc=1&q=x&page=2&n=5&loop=0", "/conn?id=0-5-1", "/task?id=0-ff", "/loop?id=0",
		"/tasks?format=json", "/conns?q=<script>&format=json", "/conns?q=\x88", "/do", "/a/b/../conns"} {
		f.Add("GET", "127.0.0.1:6060", target, "action=abort&id=0-5-1&token="+token)
		f.Add("POST", "evil", target, "")
	}
	p := newPicture(manyConns(30, 100*second), nil)
	h := pictured(f, p)
	h.Token = token
	f.Fuzz(func(t *testing.T, method, host, target, body string) {
		h.rate.left = burst
		w := ask(h, method, host, "/x", body)
		if r, ok := request(method, host, target, body); ok {
			h.rate.left = burst
			w = got{h.Serve(r), ""}
		}
		kind := w.Header["Content-Type"]
		text := string(w.Body)
		switch {
		case !utf8.ValidString(text):
			t.Errorf("%q", text)
		case strings.HasPrefix(kind, "application/json") && !json.Valid(w.Body):
			t.Errorf("%s", text)
		case strings.HasPrefix(kind, "text/html") && strings.Contains(text, "<script>"):
			t.Errorf("%s", text)
		}
	})
}

// If encoding/json reads a JSON string of this package, the result is the original text.
func FuzzJSONString(f *testing.F) {
	f.Add("a\"b\\c\x00\u2028<&\xff")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(appendJSONString(nil, s), &got); err != nil || got != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Errorf("%q became %q: %v", s, got, err)
		}
	})
}
