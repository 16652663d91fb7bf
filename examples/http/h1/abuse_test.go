//go:build unix

package h1

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
)

// refusals contains requests that break a rule of RFC 9110 or 9112, and the status for each of
// them.
var refusals = map[string]string{
	// RFC 9112, 3: the request line
	"nonsense\r\n\r\n":                                           "400",
	"GET /\r\n\r\n":                                              "400",
	"GET  / HTTP/1.1\r\nHost: a\r\n\r\n":                         "400",
	"GET / a HTTP/1.1\r\nHost: a\r\n\r\n":                        "400",
	" GET / HTTP/1.1\r\nHost: a\r\n\r\n":                         "400",
	"G\x00T / HTTP/1.1\r\nHost: a\r\n\r\n":                       "400",
	"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n":                      "400",
	"GET x HTTP/1.1\r\nHost: a\r\n\r\n":                          "400",
	"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n":                  "400",
	"GET / HTTP/1.1 \r\nHost: a\r\n\r\n":                         "400",
	"GET / http/1.1\r\nHost: a\r\n\r\n":                          "400",
	"GET / HTTP/2.0\r\n\r\n":                                     "505",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                           "505",
	"BREW / HTTP/1.1\r\nHost: a\r\n\r\n":                         "501",
	"get / HTTP/1.1\r\nHost: a\r\n\r\n":                          "501",
	"GET /" + strings.Repeat("x", maxLine) + " HTTP/1.1\r\n\r\n": "414",
	"GET * HTTP/1.1\r\nHost: a\r\n\r\n":                          "400",
	strings.Repeat("x", maxHead):                                 "414",
	"GET / HTTP/1.1\r\nX: " + strings.Repeat("x", maxHead):       "431",
	"GET / HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 3000):      "431",
	"\n\r\n\r\n": "400",
	// RFC 9112, 2.2: a bare LF, even in an incomplete head, and a bare CR
	"GET / HTTP/1.1\nHost: a\n\n":                  "400",
	"GET / HTTP/1.1\r\nHost: a\n\r\n":              "400",
	"GET / HTTP/1.1\r\nHost: a\r\nA: b\n":          "400",
	"GET / HTTP/1.1\r\nHost: a\r\n\n":              "400",
	"GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n": "400",
	// RFC 9112, 5: fields
	"GET / HTTP/1.1\r\nno colon\r\n\r\n":                   "400",
	"GET / HTTP/1.1\r\nHost : a\r\n\r\n":                   "400",
	"GET / HTTP/1.1\r\n: a\r\n\r\n":                        "400",
	"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n folded\r\n\r\n": "400",
	"GET / HTTP/1.1\r\n Host: a\r\n\r\n":                   "400",
	"GET / HTTP/1.1\r\nHost: a\r\nA: \x01\r\n\r\n":         "400",
	"GET / HTTP/1.1\r\nHost: a\r\nA(: b\r\n\r\n":           "400",
	// RFC 9112, 3.2: Host
	"GET / HTTP/1.1\r\n\r\n":                       "400",
	"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n": "400",
	"GET / HTTP/1.1\r\nHost: a b\r\n\r\n":          "400",
	"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n":          "400",
	"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n":          "400",
	// RFC 9110, 10.1.1: Expect
	"GET / HTTP/1.1\r\nHost: a\r\nExpect: a cake\r\n\r\n": "417",
	// RFC 9110, 8.6, and RFC 9112, 6: the length of a body
	posting("Content-Length: -1"):                                       "400",
	posting("Content-Length: +1"):                                       "400",
	posting("Content-Length: 0x1"):                                      "400",
	posting("Content-Length: 1, 1"):                                     "400",
	posting("Content-Length:"):                                          "400",
	posting("Content-Length: 1\r\nContent-Length: 2"):                   "400",
	posting("Content-Length: 1\r\nContent-Length: 1"):                   "400",
	posting("Content-Length: 99999999999"):                              "413",
	posting("Content-Length: 99999999999999999999999999"):               "413",
	posting("Content-Length: 5\r\nTransfer-Encoding: chunked"):          "400",
	posting("Transfer-Encoding: chunked\r\nContent-Length: 5"):          "400",
	posting("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"): "400",
	posting("Transfer-Encoding: gzip"):                                  "400",
	posting("Transfer-Encoding: chunked, gzip"):                         "400",
	posting("Transfer-Encoding: gzip, chunked"):                         "501",
	posting("Transfer-Encoding: xchunked"):                              "400",
	posting("Transfer-Encoding: \"chunked\""):                           "400",
	"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n":             "400",
	// RFC 9112, 7.1: chunks
	posting("Transfer-Encoding: chunked") + "x\r\n":                                                             "400",
	posting("Transfer-Encoding: chunked") + "\r\n":                                                              "400",
	posting("Transfer-Encoding: chunked") + "-1\r\n":                                                            "400",
	posting("Transfer-Encoding: chunked") + "0x1\r\n":                                                           "400",
	posting("Transfer-Encoding: chunked") + "1x\r\n":                                                            "400",
	posting("Transfer-Encoding: chunked") + "1 1\r\n":                                                           "400",
	posting("Transfer-Encoding: chunked") + "1 \r\n":                                                            "400",
	posting("Transfer-Encoding: chunked") + "1\na\r\n":                                                          "400",
	posting("Transfer-Encoding: chunked") + "1\r\naXX":                                                          "400",
	posting("Transfer-Encoding: chunked") + "1\r\naXX\r\n":                                                      "400",
	posting("Transfer-Encoding: chunked") + "2\r\na\r\n\r\n":                                                    "400",
	posting("Transfer-Encoding: chunked") + "1;" + strings.Repeat("x", 300):                                     "400",
	posting("Transfer-Encoding: chunked") + "ffffffffffffffff\r\n":                                              "413",
	posting("Transfer-Encoding: chunked") + "fffffffffffffffff\r\n":                                             "413",
	posting("Transfer-Encoding: chunked") + "8000000\r\n":                                                       "413",
	posting("Transfer-Encoding: chunked") + "0\r\nbad trailer\r\n":                                              "400",
	posting("Transfer-Encoding: chunked") + "0\r\n" + strings.Repeat("A: "+strings.Repeat("b", 200)+"\r\n", 30): "431",
}

func posting(fields string) string {
	return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n\r\n"
}

// Each violation ends its connection with the status that the RFCs name, whether the violation
// arrives at once or in pieces. Requests behind it get no answer.
func TestRefusals(t *testing.T) {
	at := serve(t, 1)
	for text, status := range refusals {
		for _, piece := range []int{1 << 20, longtest.Count(70, 7, 7)} {
			c := dial(t, at)
			go func() {
				for p := text + strings.Repeat("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", 2); len(p) > 0; p = p[min(piece, len(p)):] {
					if _, err := io.WriteString(c, p[:min(piece, len(p))]); err != nil {
						return
					}
				}
			}()
			got, err := io.ReadAll(c)
			head, _, _ := strings.Cut(string(got), "\r\n\r\n")
			if err != nil || !strings.HasPrefix(head, "HTTP/1.1 "+status+" ") || !strings.Contains(head, "Connection: close") ||
				strings.Count(string(got), "HTTP/1.1") != 1 {
				t.Errorf("%.80q in pieces of %d: %q, %v; want %s", text, piece, got, err, status)
			}
			c.Close()
		}
	}
}

// Requests that look strange but are valid are answered.
func TestStrangeRequestsThatAreValid(t *testing.T) {
	at := serve(t, 1)
	for _, text := range []string{
		"GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
		"GET / HTTP/1.1\r\nhOsT:a:80\r\nconnection:  foo ,\tclose \r\n\r\n",
		"GET http://a/x?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"GET http://a HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: close\r\n\r\n",
		"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB: \xc3\xa4\t.\r\nConnection: close\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: Chunked\r\n\r\n5 ; a=b\r\nhello\r\n0003;x\r\nabc\r\n000\r\nA: b\r\n\r\n",
	} {
		c := dial(t, at)
		io.WriteString(c, text)
		got, err := io.ReadAll(c)
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200 ") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// A client that half-closes after a long pipeline receives all answers, even if it reads late.
func TestAHalfClosedPipelineIsAnswered(t *testing.T) {
	c := dial(t, serve(t, 1))
	const many = 5000 // more than the high-water mark
	go func() {
		io.WriteString(c, strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", many))
		c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if n := strings.Count(string(got), greeting); err != nil || n != many {
		t.Errorf("%d answers of %d: %v", n, many, err)
	}
}

// A refusal has its text, even if the request before it had the method HEAD.
func TestRefusalAfterHeadHasItsText(t *testing.T) {
	c := dial(t, serve(t, 1))
	if _, err := io.WriteString(c, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(got), "\r\n\r\n400 Bad Request\r\n") {
		t.Errorf("%q, %v; want the text of 400 at the end", got, err)
	}
}
