//go:build unix

package socket_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
)

func TestD24Shape(t *testing.T) {
	list, err := socket.GetAddrInfo("127.0.0.1", "80", 0, 0, 0, socket.AI_CANONNAME)
	want := []socket.AddrInfo{
		{Family: inet, Type: stream, Proto: 6, Addr: socket.Tuple("127.0.0.1", 80)},
		{Family: inet, Type: dgram, Proto: 17, Addr: socket.Tuple("127.0.0.1", 80)},
		{Family: inet, Type: socket.SOCK_RAW, Proto: 0, Addr: socket.Tuple("127.0.0.1", 80)},
	}
	if err != nil || len(list) != len(want) {
		t.Fatalf("%v, %v", list, err)
	}
	for i := range want {
		if list[i] != want[i] {
			t.Errorf("entry %d is %v, want %v", i, list[i], want[i])
		}
	}
	for _, c := range []struct {
		host, port           string
		af, typ, proto, flag int
		want                 socket.Addr
		kind, number         int
	}{
		{"127.1", "80", 0, stream, 0, 0, socket.Tuple("127.0.0.1", 80), stream, 6},
		{"0", "80", inet, 0, 17, 0, socket.Tuple("0.0.0.0", 80), dgram, 17},
		{"0x7f.1", "", 0, dgram, 0, 0, socket.Tuple("127.0.0.1", 0), dgram, 17},
		{"017.0x1.2", "80", 0, 0, 6, 0, socket.Tuple("15.1.0.2", 80), stream, 6},
		{"0x7f.0.00.01", "80", 0, stream, 0, 0, socket.Tuple("127.0.0.1", 80), stream, 6},
		{"2130706433", "80", 0, stream, 6, 0, socket.Tuple("127.0.0.1", 80), stream, 6},
		{"::1", "80", 0, stream, 0, socket.AI_NUMERICHOST, socket.Tuple("::1", 80), stream, 6},
		{"fe80::1%7", "80", 0, stream, 0, 0, socket.Tuple6("fe80::1", 80, 0, 7), stream, 6},
		{"127.0.0.1", "80", socket.AF_INET6, stream, 0, socket.AI_V4MAPPED, socket.Tuple("::ffff:127.0.0.1", 80), stream, 6},
		{"::ffff:1.2.3.4", "80", inet, stream, 0, 0, socket.Tuple("1.2.3.4", 80), stream, 6},
		{"127.0.0.1", "http", 0, stream, 0, 0, socket.Tuple("127.0.0.1", 80), stream, 6},
		{"localhost", "80", inet, stream, 0, 0, socket.Tuple("127.0.0.1", 80), stream, 6},
		{"127.0.0.1", " \t80", 0, stream, 0, 0, socket.Tuple("127.0.0.1", 80), stream, 6},
		{"127.0.0.1", "+80", 0, stream, 0, 0, socket.Tuple("127.0.0.1", 80), stream, 6},
	} {
		list, err := socket.GetAddrInfo(c.host, c.port, c.af, c.typ, c.proto, c.flag)
		if err != nil || len(list) == 0 || list[0].Addr != c.want || list[0].Type != c.kind || list[0].Proto != c.number || list[0].CanonName != "" {
			t.Errorf("%s:%s is %v, %v", c.host, c.port, list, err)
		}
	}
}

func TestD25NegativeErrors(t *testing.T) {
	for _, c := range []struct {
		host, port           string
		af, typ, proto, flag int
		want                 int
	}{
		{"example.invalid", "80", 0, stream, 0, socket.AI_NUMERICHOST, socket.EAI_NONAME},
		{"", "80", 0, 0, 0, 0, socket.EAI_NONAME},
		{"256.1.1.1", "80", 0, 0, 0, 0, socket.EAI_NONAME},
		{"1.2.3.4.5", "80", 0, 0, 0, 0, socket.EAI_NONAME},
		{"127.0.0.1 ", "80", 0, 0, 0, 0, socket.EAI_NONAME},
		{"nul\x00", "80", 0, 0, 0, 0, socket.EAI_NONAME},
		{strings.Repeat("x", 300), "80", 0, 0, 0, 0, socket.EAI_NONAME},
		{"::1%lo", "80", 0, 0, 0, 0, socket.EAI_NONAME},
		{"fe80::1%nope", "80", 0, 0, 0, 0, socket.EAI_NONAME},
		{"127.0.0.1", "http", 0, 0, 0, socket.AI_NUMERICSERV, socket.EAI_NONAME},
		{"127.0.0.1", "80", 99, 0, 0, 0, socket.EAI_FAMILY},
		{"127.0.0.1", "80", socket.AF_UNIX, 0, 0, 0, socket.EAI_FAMILY},
		{"127.0.0.1", "80", socket.AF_INET6, 0, 0, 0, socket.EAI_ADDRFAMILY},
		{"::1", "80", inet, 0, 0, 0, socket.EAI_ADDRFAMILY},
		{"127.0.0.1", "no-such-service", 0, 0, 0, 0, socket.EAI_SERVICE},
		{"127.0.0.1", "80", 0, socket.SOCK_RAW, 0, 0, socket.EAI_SERVICE},
		{"127.0.0.1", "80", 0, 0, 99, 0, socket.EAI_SERVICE},
		{"127.0.0.1", "80", 0, 77, 0, 0, socket.EAI_SOCKTYPE},
		{"127.0.0.1", "80", 0, stream, 17, 0, socket.EAI_SOCKTYPE},
		{"127.0.0.1", "80", 0, 0, 0, 1 << 20, socket.EAI_BADFLAGS},
		// If two arguments are wrong, the C library reports the one that comes first in this order:
		// flags, family, a service that must be a number, type, service, host.
		{"", "x", 99, 77, 0, 1 << 20, socket.EAI_BADFLAGS},
		{"", "x", 99, 77, 0, socket.AI_NUMERICSERV, socket.EAI_FAMILY},
		{"127.0.0.1", "x", 0, 77, 0, socket.AI_NUMERICSERV, socket.EAI_NONAME},
		{"256.1.1.1", "no-such-service", 0, 77, 0, 0, socket.EAI_SOCKTYPE},
		{"256.1.1.1", "no-such-service", 0, 0, 0, 0, socket.EAI_SERVICE},
		{"bad/name", "80 ", 0, 0, 0, 0, socket.EAI_SERVICE},
		{"::1", "no-such-service", inet, 0, 0, 0, socket.EAI_SERVICE},
	} {
		_, err := socket.GetAddrInfo(c.host, c.port, c.af, c.typ, c.proto, c.flag)
		var os *socket.OSError
		if !errors.As(err, &os) || os.Errno != c.want {
			t.Errorf("%q:%q: %v, want %d", c.host, c.port, err, c.want)
		}
	}
	for _, port := range []string{"65536", "-1", "99999999999999999999"} {
		if _, err := socket.GetAddrInfo("127.0.0.1", port, 0, 0, 0, 0); !errors.Is(err, socket.ErrValue) {
			t.Errorf("port %s: %v", port, err)
		}
	}
}

// AI_V4MAPPED and AI_ALL apply to names with addresses of one family or of both. The names belong
// to a simulated world, because a test cannot choose the names of the host's resolver.
func TestMappedAddressesOfNames(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	w.Name("four", "10.0.0.4")
	w.Name("six", "fd00::6")
	w.Name("both", "10.0.0.4", "fd00::6")
	taskOn(t, context.Background(), w.Host("10.0.0.1"), func(l *lab) {
		for _, c := range []struct {
			name  string
			flags int
			want  string
		}{
			{"four", 0, "-2"},
			{"four", socket.AI_ALL, "-2"},
			{"four", socket.AI_V4MAPPED, "[::ffff:10.0.0.4]:80"},
			{"six", socket.AI_V4MAPPED, "[fd00::6]:80"},
			{"both", 0, "[fd00::6]:80"},
			{"both", socket.AI_V4MAPPED, "[fd00::6]:80"},
			{"both", socket.AI_V4MAPPED | socket.AI_ALL, "[fd00::6]:80 [::ffff:10.0.0.4]:80"},
		} {
			list, err := socket.GetAddrInfoOn(l.task, c.name, "80", socket.AF_INET6, stream, 0, c.flags)
			var got []string
			for _, i := range list {
				got = append(got, i.Addr.String())
			}
			var os *socket.OSError
			if errors.As(err, &os) {
				got = append(got, strconv.Itoa(os.Errno))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s, flags %#x: %v, %v; want %s", c.name, c.flags, got, err, c.want)
			}
		}
	})
}

// While a task waits for a lookup, the loop continues. A task gets the same result as a goroutine.
func TestGetAddrInfoOn(t *testing.T) {
	inTask(t, func(l *lab) {
		turns := 0
		over := false
		join := l.beside(func(l *lab) {
			for !over {
				l.pass()
				turns++
			}
		})
		for _, c := range [][2]string{{"127.0.0.1", "80"}, {"localhost", "80"}, {"127.0.0.1", "http"}, {"127.0.0.1", "no-such-service"}} {
			want, failed := socket.GetAddrInfo(c[0], c[1], 0, 0, 0, 0)
			got, err := socket.GetAddrInfoOn(l.task, c[0], c[1], 0, 0, 0, 0)
			if len(got) != len(want) || len(got) > 0 && got[0] != want[0] || !errors.Is(err, failed) {
				l.t.Errorf("%v: %v, %v; want %v, %v", c, got, err, want, failed)
			}
		}
		over = true
		join()
	})
	inTask(t, func(l *lab) { // a cancelled task
		var err error
		task := l.task.Go(func(task *reactor.Task) {
			task.Cancel()
			_, err = socket.GetAddrInfoOn(task, "localhost", "80", 0, 0, 0, 0)
		})
		_, joined := l.task.Join(task)
		l.must(joined)
		l.errno(err, syscall.ECANCELED)
	})
}

func FuzzGetAddrInfo(f *testing.F) {
	f.Add("127.1", "80", 0, 0, 0, 0)
	f.Add("fe80::1%1", "x", 10, 1, 6, 8)
	f.Fuzz(func(t *testing.T, host, port string, af, typ, proto, flags int) {
		list, err := socket.GetAddrInfo(host, port, af, typ, proto, flags|socket.AI_NUMERICHOST|socket.AI_NUMERICSERV)
		if (err == nil) != (len(list) > 0) {
			t.Fatalf("%v, %v", list, err)
		}
		for _, a := range list {
			if a.Addr.Family() != a.Family || af != 0 && a.Family != af || typ != 0 && a.Type != typ || proto != 0 && a.Proto != proto {
				t.Fatalf("%+v", a)
			}
		}
	})
}
