//go:build linux

package conformance

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A program is a Python program that MicroPython and the bridge run. Its head is always needed, but
// each of its lines may be removed. Each line prints the result of one call, so two runs can be
// compared line by line.
type program struct {
	kind  string
	seed  uint64
	head  string
	lines []string
}

func (p program) text() string { return p.head + strings.Join(p.lines, "\n") + "\n" }

// prelude defines the Python function t, which prints a label and the result of a call. Then t
// waits, so all effects of the call occur before the next call.
const prelude = `import socket, select, time, struct
from lab import BASE, addr, listener, reset, _thread

def w(ms=3):
    time.sleep_ms(ms)

def plain(r):
    if isinstance(r, socket.socket):
        return "a socket"
    if isinstance(r, (tuple, list)):
        return [plain(x) for x in r]
    if isinstance(r, bytes) and len(r) > 60:
        return len(r), r[:20]
    return r

def t(label, f, *a):
    try:
        r = plain(f(*a))
    except OSError as e:
        r = "OSError", e.args
    except Exception as e:
        r = type(e).__name__
    print(label, r)
    w()

def ready(s, mask=5):
    p = select.poll()
    p.register(s, mask)
    return [e for o, e in p.poll(0)]

def connected(port):
    l = listener(port, 1)
    c = socket.socket()
    c.connect(addr(port))
    a = l.accept()[0]
    l.close()
    for s in c, a:
        s.setsockopt(6, 1, 1)
        s.setblocking(False)
    return c, a

`

// kinds are the kinds of random programs, with their generators.
var kinds = []struct {
	name     string
	generate func(*generator)
}{{"calls", socketCalls}, {"polls", polls}, {"arguments", arguments}, {"threads", threads}, {"tls", tlsCalls}}

type generator struct {
	*rand.Rand
	program
}

func generate(kind int, seed uint64) program {
	g := &generator{rand.New(rand.NewPCG(seed, uint64(kind))), program{kind: kinds[kind].name, seed: seed, head: prelude}}
	kinds[kind].generate(g)
	return g.program
}

func (g *generator) add(format string, args ...any) {
	g.lines = append(g.lines, fmt.Sprintf(format, args...))
}

// call adds a line that prints an expression and its result.
func (g *generator) call(format string, args ...any) {
	expression := fmt.Sprintf(format, args...)
	g.add("t(%q, lambda: %s)", expression, expression)
}

func one[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *generator) data() string {
	return one(g, `b"x"`, `b"hello"`, `b"a\nb\nc"`, `b"\n"`, `b"no newline"`, fmt.Sprintf(`b"z" * %d`, 1+g.IntN(3000)))
}

// read returns a random call that receives data.
func (g *generator) read(s string) string {
	n := one(g, 0, 1, 2, 5, 10, 100, 5000)
	return fmt.Sprintf(one(g, "%[1]s.recv(%[2]d)", "%[1]s.recv(%[2]d, 2)", "%[1]s.recvfrom(%[2]d)[0]", "%[1]s.read(%[2]d)", "%[1]s.read()",
		"%[1]s.readline()", "%[1]s.readinto(bytearray(%[2]d))", "%[1]s.recv(%[2]d, 0x40)"), s, n)
}

// socketCalls makes calls on a listener, a connection and two datagram sockets. No call waits.
func socketCalls(g *generator) {
	g.head += `l = listener(BASE, 3)
l.setblocking(False)
c, a = connected(BASE + 1)
u, v = socket.socket(2, 2), socket.socket(2, 2)
u.bind(addr(BASE + 2))
v.connect(addr(BASE + 2))
u.setblocking(False)
v.setblocking(False)
n = socket.socket()
n.setblocking(False)
kept = []

def accept():
    kept.append(l.accept()[0])
    return "accepted"

def join():
    kept.append(socket.socket())
    kept[-1].setblocking(False)
    kept[-1].connect(addr(BASE))

`
	over := map[string]bool{} // the closed ones stay unused: D4 differs from the unix port
	for range 30 {
		s := one(g, "c", "a")
		if over[s] {
			continue
		}
		switch g.IntN(14) {
		case 0, 1, 2:
			g.call("%s", g.read(s))
		case 3, 4, 5:
			g.call("%s.%s(%s)", s, one(g, "send", "write"), g.data())
		case 6:
			g.call("ready(%s, %d)", one(g, s, "l", "u", "v", "n"), one(g, 1, 4, 5, 0))
		case 7:
			g.call("v.send(%s)", g.data())
		case 8:
			g.call("%s", g.read("u"))
		case 9:
			g.call("accept()")
		case 10:
			g.call("n.%s", one(g, "send(b'x')", "recv(1)", "read(1)", "write(b'x')", "readline()", "accept()"))
		case 11:
			g.call("%s.setsockopt(1, %d, %d)", one(g, s, "l", "u"), one(g, 2, 9, 6), g.IntN(2))
		case 12:
			g.call("join()")
		case 13:
			if g.IntN(3) == 0 {
				over[s] = true
				g.call("%s", one(g, s+".close()", "reset("+s+")"))
			}
		}
	}
}

// polls changes two Polls, which contain sockets and Python objects, and prints their results.
func polls(g *generator) {
	g.head += `import io
c, a = connected(BASE + 1)
d, e = connected(BASE + 3)
u = socket.socket(2, 2)
u.bind(addr(BASE + 2))
v = socket.socket(2, 2)
v.connect(addr(BASE + 2))
l = listener(BASE, 3)
n = socket.socket()
for x in u, v, l, n:
    x.setblocking(False)

class Object(io.IOBase):
    def __init__(self):
        self.state = 0

    def ioctl(self, op, arg):
        return self.state & arg if op == 3 else -1

o = Object()
p, q = select.poll(), select.poll()
names = {id(c): "c", id(a): "a", id(d): "d", id(u): "u", id(l): "l", id(n): "n", id(o): "o"}
kept = []

def look(p, ms=0):
    return sorted((names[id(x)], e) for x, e in p.poll(ms))

def step(p, flags):
    return sorted([(names[id(x[0])], x[1]) for x in p.ipoll(0, flags)])

def join():
    kept.append(socket.socket())
    kept[-1].setblocking(False)
    kept[-1].connect(addr(BASE))

`
	for range 30 {
		p, x := one(g, "p", "q"), one(g, "c", "a", "d", "u", "l", "n", "o")
		switch g.IntN(10) {
		case 0, 1:
			g.call("%s.register(%s, %d)", p, x, one(g, 0, 1, 4, 5))
		case 2:
			g.call("%s.modify(%s, %d)", p, x, one(g, 0, 1, 4, 5))
		case 3:
			g.call("%s.unregister(%s)", p, x)
		case 4, 5:
			g.call("look(%s, %d)", p, one(g, 0, 0, 1))
		case 6:
			g.call("step(%s, %d)", p, g.IntN(2))
		case 7:
			g.call("setattr(o, 'state', %d)", one(g, 0, 1, 4, 5, 8, 16))
		case 8:
			g.call("%s", one(g, "c.send(b'x')", "a.send(b'y')", "v.send(b'z')", "a.recv(10)", "c.recv(1)", "u.recv(5)", "d.recv(3)"))
		case 9:
			g.call("%s", one(g, "join()", "kept.append(l.accept()[0])", "e.send(b'w')", "e.close()", "reset(e)"))
		}
	}
}

// odd are values that a call may refuse.
var odd = []string{"None", "-1", "0", "1", "3", "2.5", "-0.5", "0.0", "True", `""`, `"x"`, `b""`, `b"x"`, "[]", "()", "(1, 2)",
	"{}", "bytearray(2)", `memoryview(b"ab")`, "1 << 31", "65536", "object()", `float("inf")`}

// arguments makes calls with odd arguments.
func arguments(g *generator) {
	g.head += "c, a = connected(BASE + 1)\n"
	for range 30 {
		x, y := one(g, odd...), one(g, odd...)
		switch g.IntN(12) {
		case 0:
			g.call("a.%s(%s)", one(g, "read", "recv", "readline"), one(g, "0", "1", "2", "5"))
			g.call("a.%s(%s)", one(g, "read", "recv"), one(g, "2.5", `"x"`, "[]", "object()"))
		case 1:
			g.call("a.readinto(%s)", one(g, `b"ab"`, "5", "None", `"ab"`, "bytearray(0)", "bytearray(3)", "[]"))
		case 2:
			g.call("c.%s(%s)", one(g, "send", "write", "sendall"), one(g, `"text"`, `b"x"`, "5", "None", "[]", `bytearray(b"y")`, `memoryview(b"abc")[1:]`))
		case 3:
			g.call("(a.settimeout(%s), a.setblocking(False))", one(g, "0", "0.0", `"x"`, "[]", "object()", "1 << 40", "None"))
		case 4:
			g.call("socket.socket(%s)", one(g, "2", "2.5", `"x"`, "None", "77", "10", "-1"))
		case 5:
			g.call("socket.socket(2, %s)", one(g, "1", "2", `"x"`, "None", "-1"))
		case 6:
			g.call("socket.inet_pton(%s, %s)", one(g, "2", "10", "77", x), one(g, `"1.2.3.4"`, `"::1"`, `"1.2.3"`, `"x"`, `""`, `"1.2.3.4 "`, `"fe80::1%lo"`, "5"))
		case 7:
			g.call("socket.inet_ntop(%s)", one(g, `2, b"\1\2\3\4"`, `10, b"\0" * 16`, `2, b""`, `10, b"abc"`, "77, 5", "2, None"))
		case 8:
			g.call("len(socket.getaddrinfo(%s, %s)) > 0", one(g, `"127.0.0.1"`, `"::1"`, "5", "None"), one(g, "80", `"80"`, "65535", "None", "2.5"))
		case 9:
			g.call("select.poll().register(%s)", one(g, "5.5", "None", `"x"`, "object()", "[]", "a"))
		case 10:
			g.call("select.poll().register(a, %s)", one(g, "1", "2.5", `"x"`, "None", "-1"))
		case 11:
			g.call("a.setsockopt(1, 2, %s)", one(g, "1", "0", `b"\1\0\0\0"`, "2.5", "[]", y))
		}
	}
}
