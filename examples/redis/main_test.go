//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// serve runs a server with the given number of loops until the test ends.
func serve(t *testing.T, loops int) *net.TCPAddr {
	t.Helper()
	g, err := reactor.NewGroup(loops)
	if err != nil {
		t.Fatal(err)
	}
	l, err := newServer(g).listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- g.Run(context.Background()) }()
	t.Cleanup(func() {
		g.Close()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().(*net.TCPAddr)
}

func dial(t *testing.T, at net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(longtest.Guard))
	return c
}

func wants(t *testing.T, c io.Reader, reply string) {
	t.Helper()
	p := make([]byte, len(reply))
	if n, err := io.ReadFull(c, p); err != nil || string(p) != reply {
		t.Fatalf("got %q, %v; want %q", p[:n], err, reply)
	}
}

// array returns a command in the form in which clients send it.
func array(words ...string) string {
	s := fmt.Sprintf("*%d\r\n", len(words))
	for _, w := range words {
		s += fmt.Sprintf("$%d\r\n%s\r\n", len(w), w)
	}
	return s
}

var dialogue = []struct{ says, reply string }{
	{array("PING"), "+PONG\r\n"},
	{array("ping", "hello"), "$5\r\nhello\r\n"},
	{"PING\r\n", "+PONG\r\n"},
	{"echo   inline\n", "$6\r\ninline\r\n"},
	{"\r\n", ""},
	{"*0\r\n", ""},
	{array("GET", "a"), "$-1\r\n"},
	{array("SET", "a", "1\r\n2"), "+OK\r\n"},
	{array("GeT", "a"), "$4\r\n1\r\n2\r\n"},
	{array("SET", "a", ""), "+OK\r\n"},
	{array("GET", "a"), "$0\r\n\r\n"},
	{array("EXISTS", "a", "a", "b"), ":2\r\n"},
	{array("INCR", "n"), ":1\r\n"},
	{array("INCR", "n"), ":2\r\n"},
	{array("INCR", "a"), "-ERR value is not an integer or out of range\r\n"},
	{array("SET", "n", "9223372036854775807"), "+OK\r\n"},
	{array("INCR", "n"), "-ERR increment or decrement would overflow\r\n"},
	{array("DBSIZE"), ":2\r\n"},
	{array("DEL", "a", "n", "x"), ":2\r\n"},
	{array("GET"), "-ERR wrong number of arguments for 'get' command\r\n"},
	{array("GET", "a", "b"), "-ERR wrong number of arguments for 'get' command\r\n"},
	{array("HGET", "a"), "-ERR unknown command \"hget\"\r\n"},
	{array("SELECT", "0"), "+OK\r\n"},
	{array("SELECT", "1"), "-ERR DB index is out of range\r\n"},
	{array("CONFIG", "GET", "save"), "*0\r\n"},
	{array("FLUSHDB"), "+OK\r\n"},
	{array("QUIT"), "+OK\r\n"},
}

// Each command has its reply, whether the commands arrive one by one, all at once, or byte by byte.
func TestCommands(t *testing.T) {
	for _, piece := range []int{0, 1, 7, 1 << 20} {
		t.Run(fmt.Sprint(piece), func(t *testing.T) {
			c := dial(t, serve(t, 1))
			said, replies := "", ""
			for _, d := range dialogue {
				if piece == 0 {
					io.WriteString(c, d.says)
					wants(t, c, d.reply)
				}
				said, replies = said+d.says, replies+d.reply
			}
			if piece > 0 {
				go func() {
					for p := []byte(said); len(p) > 0; p = p[min(piece, len(p)):] {
						c.Write(p[:min(piece, len(p))])
					}
				}()
				wants(t, c, replies)
			}
			if n, err := c.Read(make([]byte, 1)); n > 0 || err != io.EOF {
				t.Errorf("after QUIT: %d bytes, %v", n, err)
			}
		})
	}
}

// Input that breaks the protocol gets an error, and ends the connection.
func TestProtocolErrors(t *testing.T) {
	at := serve(t, 1)
	for says, reply := range map[string]string{
		"*x\r\n":                          "-ERR Protocol error: invalid multibulk length\r\n",
		"*99999999999999999999\r\n":       "-ERR Protocol error: invalid multibulk length\r\n",
		"*-1\r\n":                         "-ERR Protocol error: invalid multibulk length\r\n",
		"*1\r\nPING\r\n":                  "-ERR Protocol error: expected '$'\r\n",
		"*1\r\n$-1\r\n":                   "-ERR Protocol error: invalid bulk length\r\n",
		"*1\r\n$99999999999\r\n":          "-ERR Protocol error: invalid bulk length\r\n",
		strings.Repeat("x", maxLine+1):    "-ERR Protocol error: too big inline request\r\n",
		array("PING") + "*1\r\n+PING\r\n": "+PONG\r\n-ERR Protocol error: expected '$'\r\n",
	} {
		c := dial(t, at)
		io.WriteString(c, says)
		if got, err := io.ReadAll(c); err != nil || string(got) != reply {
			t.Errorf("%.40q: %q, %v; want %q", says, got, err, reply)
		}
	}
}

// A client requests a large value many times before it reads anything. The server leaves the
// commands unread instead of storing the replies. In the end every reply arrives.
func TestSlowReader(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	at := serve(t, 1)
	c := dial(t, at)
	_ = c.SetDeadline(time.Now().Add(longtest.Guard))
	many := longtest.Count(5, 20, 100)
	value := bytes.Repeat([]byte("0123456789abcdef"), 2<<20/16)
	big := bytes.Repeat([]byte("x"), maxBulk)
	for name, v := range map[string][]byte{"value": value, "big": big} {
		go io.WriteString(c, array("SET", name, string(v)))
		wants(t, c, "+OK\r\n")
	}
	io.WriteString(c, strings.Repeat(array("GET", "value"), many)+array("GET", "big")+array("PING"))
	time.Sleep(50 * time.Millisecond)
	for range many {
		wants(t, c, fmt.Sprintf("$%d\r\n", len(value)))
		got := make([]byte, len(value)+2)
		if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got[:len(value)], value) {
			t.Fatal("another value", err)
		}
	}
	wants(t, c, fmt.Sprintf("$%d\r\n", len(big)))
	if _, err := io.CopyN(io.Discard, c, int64(len(big))); err != nil {
		t.Fatal(err)
	}
	wants(t, c, "\r\n+PONG\r\n")
}

// Clients on three loops increment the same key. No INCR is lost.
func TestLoopsShareTheStrings(t *testing.T) {
	if !longtest.Default(t, "several loops at work") {
		return
	}
	at := serve(t, 3)
	var all sync.WaitGroup
	for range 12 {
		c := dial(t, at)
		all.Go(func() {
			io.WriteString(c, strings.Repeat(array("INCR", "n"), 500))
			n := 0
			p := make([]byte, 4096)
			for n < 500 {
				k, err := c.Read(p)
				n += bytes.Count(p[:k], []byte("\n"))
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	c := dial(t, at)
	io.WriteString(c, array("GET", "n"))
	wants(t, c, "$4\r\n6000\r\n")
}

// redis-cli and redis-benchmark work as clients.
func TestRedisClients(t *testing.T) {
	if !longtest.Only(t, "redis-cli and redis-benchmark as clients") {
		return
	}
	at := serve(t, 2)
	port := fmt.Sprint(at.Port)
	run := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if errors.Is(err, exec.ErrNotFound) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	run("redis-cli", "-p", port, "set", "color", "green")
	if got := run("redis-cli", "-p", port, "get", "color"); got != "green\n" {
		t.Errorf("get: %q", got)
	}
	for _, pipeline := range []string{"1", "16"} {
		out := run("redis-benchmark", "-p", port, "-t", "set,get", "-n", "2000", "-P", pipeline, "--csv")
		if !strings.Contains(out, "SET") || !strings.Contains(out, "GET") || strings.Contains(strings.ToLower(out), "error") {
			t.Errorf("redis-benchmark:\n%s", out)
		}
	}
}

// The parser returns the same commands in whatever pieces they arrive. It searches no byte twice,
// because it remembers how far it has searched.
func TestCommandsInPieces(t *testing.T) {
	text := "PING\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n\r\n*0\r\n*3\r\n$3\r\nSET\r\n$0\r\n\r\n$11\r\nb\r\n$4\r\n*1\r\n\r\necho  x \n*1\r\n$4\r\nPING\r\n"
	want := `["PING"] ["GET" "a"] [] [] ["SET" "" "b\r\n$4\r\n*1\r\n"] ["echo" "x"] ["PING"]`
	for piece := range len(text) {
		var q parser
		in := newInput(nil)
		var got []string
		for p := []byte(text); len(p) > 0; {
			k := min(piece+1, len(p))
			in.Show(p[:k:k])
			p = p[k:]
			for in.Buffered() > 0 {
				was := q.n + q.seen
				args, whole, err := q.next(in)
				if err != nil {
					t.Fatal(err)
				}
				if !whole {
					if q.n+q.seen < was {
						t.Fatalf("pieces of %d bytes: goes back from %d to %d", piece+1, was, q.n+q.seen)
					}
					break
				}
				got = append(got, fmt.Sprintf("%q", args))
				q.keep(args)
			}
			in.Settle()
		}
		if s := strings.Join(got, " "); s != want {
			t.Fatalf("pieces of %d bytes: %s", piece+1, s)
		}
	}
}

// A command has a limit for its whole size. A command that announces more is refused before its
// data arrives. After a command with many arguments, the parser releases its memory.
func TestACommandHasALimit(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	var q parser
	head := fmt.Sprintf("*100\r\n$3\r\nDEL\r\n$%d\r\n", maxBulk)
	p := append([]byte(head), make([]byte, maxBulk+2)...)
	if _, whole, err := q.next(newInput(p)); whole || err != nil {
		t.Fatal(whole, err)
	}
	p = fmt.Appendf(p, "$%d\r\n", maxBulk)
	if _, _, err := q.next(newInput(p)); err != errLarge {
		t.Errorf("two arguments of the largest size: %v", err)
	}
	q = parser{}
	many := "*5000\r\n" + strings.Repeat("$1\r\nx\r\n", 5000)
	in := newInput([]byte(many))
	args, whole, err := q.next(in)
	if !whole || in.Buffered() > 0 || err != nil {
		t.Fatal(whole, in.Buffered(), err)
	}
	if q.keep(args); cap(q.args) > keepArgs || cap(q.bounds) > 2*keepArgs {
		t.Errorf("room for %d arguments is kept", cap(q.args))
	}
	c := dial(t, serve(t, 1))
	io.WriteString(c, "*2\r\n$3\r\nDEL\r\n$99999999\r\n")
	wants(t, c, "-"+errBulk.Error()+"\r\n")
}

// newInput returns the inbound buffer of a connection that has received p.
func newInput(p []byte) *desc.Inbound {
	in := &desc.Inbound{}
	in.Init("test", maxCommand, nil)
	in.Show(p)
	return in
}
