package websocket

import (
	"net/url"
	"strings"
)

// A field is one field of a head.
type field struct{ name, value string }

// fields contains the fields of one head in their order.
type fields []field

// get returns the values of a field, joined to one list (RFC 9110, 5.3), and their number.
func (f fields) get(name string) (value string, n int) {
	for i := range f {
		if !strings.EqualFold(f[i].name, name) {
			continue
		}
		if n++; n == 1 {
			value = f[i].value
		} else {
			value += ", " + f[i].value
		}
	}
	return value, n
}

// has reports whether the list in a field contains the token. Case does not matter.
func (f fields) has(name, token string) bool {
	list, _ := f.get(name)
	for s := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(s), token) {
			return true
		}
	}
	return false
}

// parseHead splits a head, which ends with an empty line. If a line breaks a rule of RFC 9112, ok
// is false. Examples are a bare LF and a line that continues another one.
func parseHead(head string) (line string, f fields, ok bool) {
	line, rest, _ := strings.Cut(head, "\r\n")
	if !isFieldValue(line) {
		return "", nil, false
	}
	for rest != "\r\n" {
		s, more, found := strings.Cut(rest, "\r\n")
		name, value, colon := strings.Cut(s, ":")
		if !found || !colon || !isToken(name) || !isFieldValue(value) {
			return "", nil, false
		}
		f = append(f, field{name, strings.Trim(value, " \t")})
		rest = more
	}
	return line, f, true
}

func isToken(s string) bool {
	for i := range len(s) {
		b := s[i]
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// isFieldValue reports whether s has no control character but tabs.
func isFieldValue(s string) bool {
	for i := range len(s) {
		if b := s[i]; b < ' ' && b != '\t' || b == 127 {
			return false
		}
	}
	return true
}

// originHost returns the host of an origin, with its port; "" if it is none.
func originHost(origin string) string {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return ""
	}
	return u.Host
}
