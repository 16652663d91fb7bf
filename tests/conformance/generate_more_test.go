//go:build linux

package conformance

import (
	"fmt"
	"strings"
)

// threads makes calls that wait, while a thread does something at the other end.
func threads(g *generator) {
	for i := range 5 {
		port := i * 4
		action := one(g, "a.send(b'x')", "a.send(b'line\\n')", "a.send(b'hello world')", "a.close()", "reset(a)",
			"(a.send(b'abc'), a.close())", "(a.send(b'ab'), w(10), a.send(b'cd\\n'), w(10), a.close())")
		waits := one(g, "c.recv(5)", "c.read(3)", "c.read()", "c.readline()", "c.readinto(bytearray(4))", "c.recvfrom(9)[0]",
			"ready(c, 1) or select_in(c)")
		if (waits == "c.read()" || waits == "c.read(3)" || waits == "c.readinto(bytearray(4))" || waits == "c.readline()") && !strings.Contains(action, "close") && !strings.Contains(action, "reset") {
			action = "(" + action + ", w(10), a.close())"
		}
		g.add(`def scene():
    c, a = connected(BASE + %d)
    c.settimeout(%s)

    def select_in(c):
        p = select.poll()
        p.register(c, 1)
        return [e for o, e in p.poll(3000)]

    def act():
        w(20)
        %s

    _thread.start_new_thread(act, ())
    t(%q, lambda: %s)
    t("again", lambda: ready(c))
    w(30)

scene()`, port, one(g, "None", "3"), action, waits+" while "+action, waits)
	}
}

// tlsCalls makes calls on the two ends of a TLS connection after a handshake. In some programs the
// handshake fails.
func tlsCalls(g *generator) {
	g.head = strings.Replace(prelude, "from lab import", "from ssllab import *\nfrom lab import", 1)
	certs := one(g, "SELF, SELF_KEY", "SELF, SELF_KEY", "SELF, SELF_KEY", "OLD, OLD_KEY", "OTHER, OTHER_KEY", "SELF, SELF_KEY8",
		`pem("CERTIFICATE", LEAF) + pem("CERTIFICATE", MIDDLE), LEAF_KEY`)
	trusted, mode := one(g, "SELF", "SELF", "SELF", "OLD", "CA"), one(g, "0", "1", "2", "2")
	name := one(g, "tls.test", "tls.test", "a.tls.test", "x.w.test", "other.test")
	g.head += fmt.Sprintf(`sctx, cctx = server(%s), client(%s, %s)
c, s = wrapped(BASE + 900, sctx, cctx, %q)
print(shake(c, s))
p = select.poll()
p.register(c)
q = select.poll()
q.register(s)

def look(p):
    return [e for x, e in p.poll(0)]

`, certs, trusted, mode, name)
	over := map[string]bool{}
	for range 20 {
		e := one(g, "c", "s")
		if over[e] {
			continue
		}
		n := one(g, 0, 1, 3, 10, 1000)
		switch g.IntN(8) {
		case 0, 1:
			g.call("%s.write(%s)", e, g.data())
		case 2, 3:
			g.call("%s.read(%d)", e, n)
		case 4:
			g.call("%s.%s", e, one(g, "readline()", "read()", fmt.Sprintf("readinto(bytearray(%d))", n)))
		case 5, 6:
			g.call("look(%s)", map[string]string{"c": "p", "s": "q"}[e])
		case 7:
			if g.IntN(4) == 0 {
				over[e] = true
				g.call("%s.close()", e)
			}
		}
	}
}
