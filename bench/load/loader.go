package load

import (
	"fmt"
	"net/netip"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/bench/servers/serve"
)

const (
	scratch = 1 << 20         // the maximum that one recv discards
	silence = 5 * time.Second // a server that is silent for this time has failed
)

// A loader owns the connections to one server. Each is registered once, edge-triggered and for both
// directions. So a connection needs one epoll_ctl, and a short read needs no second read.
type loader struct {
	shape    Shape
	addr     string
	to       unix.Sockaddr
	kind     int // of the sockets
	ep       int
	interest uint32
	conns    []conn
	payload  []byte // one batch
	scratch  []byte
	events   []unix.EpollEvent
	looks    int // see wait
	messages int64
	underWay int  // batches (with Churn: connections) that have not come back
	missing  int  // in a room: connections that have not received the message
	running  bool // false: start nothing new
	made     int  // number of connections so far; distributes them over source addresses
	open     *openLoad
}

type conn struct {
	fd     int
	unsent int // number of bytes to send
	at     int // position of the next byte to send in the batch
	got    int // number of bytes of the batch that have come back

	session session // with a Protocol; then only fd is used of the fields above
}

func open(addr string, s Shape) (*loader, error) {
	to, err := sockaddr(s.Network, addr)
	if err != nil {
		return nil, err
	}
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	l := &loader{
		shape: s, addr: addr, ep: ep, looks: looks, interest: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLET,
		to: to, kind: unix.SOCK_STREAM,
		conns:   make([]conn, s.Conns),
		payload: pattern(s.Size * s.Pipeline),
		missing: s.Conns,
		scratch: make([]byte, scratch),
		events:  make([]unix.EpollEvent, 512),
	}
	if s.Protocol == serve.Deflate {
		l.payload = records(s.Size)
	}
	if s.Sleepy {
		l.looks = 1
	}
	if s.Network == "udp" {
		l.kind = unix.SOCK_DGRAM
	}
	if s.Rate > 0 {
		l.open = newOpenLoad(s)
	}
	for i := range l.conns {
		l.conns[i].fd = -1
	}
	if s.Churn {
		l.interest = unix.EPOLLIN | unix.EPOLLET // the kernel always accepts a first message
		return l, nil
	}
	if s.Protocol != "" {
		l.interest = unix.EPOLLIN | unix.EPOLLET // see session
		defer debug.SetGCPercent(debug.SetGCPercent(100))
		defer runtime.GC() // there is no collection while slices run
	}
	for i := range l.conns {
		if err := l.dial(i); err != nil {
			l.close()
			return nil, fmt.Errorf("connection %d of %d: %w", i+1, s.Conns, err)
		}
	}
	return l, nil
}

func (l *loader) close() {
	if l == nil {
		return
	}
	for _, c := range l.conns {
		if c.fd >= 0 {
			unix.Close(c.fd)
		}
	}
	unix.Close(l.ep)
}

// dial connects from one of 200 source addresses. Each has its own range of ports, because churn
// leaves every port in TIME_WAIT for a minute. The connect blocks. On loopback it only blocks while
// the backlog is full.
func (l *loader) dial(i int) error {
	family := unix.AF_INET
	if l.shape.Network == "unix" {
		family = unix.AF_UNIX
	}
	fd, err := unix.Socket(family, l.kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	l.made++
	if family == unix.AF_INET && l.kind == unix.SOCK_STREAM {
		from := unix.SockaddrInet4{Addr: *sourceAddr(l.made)}
		// connect chooses the port. It may choose a port that is also used for another destination.
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		err = unix.Bind(fd, &from)
		if err == nil && !l.shape.Churn {
			err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		}
	}
	if err == nil {
		err = connect(fd, l.to)
	}
	c := conn{fd: fd}
	if err == nil && l.shape.Protocol != "" {
		c.session, err = l.session(fd)
	}
	if err == nil {
		ev := unix.EpollEvent{Events: l.interest, Fd: int32(i)}
		err = unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, fd, &ev)
	}
	if err != nil {
		unix.Close(fd)
		return err
	}
	l.conns[i] = c
	return nil
}

func sockaddr(network, addr string) (unix.Sockaddr, error) {
	if network == "unix" {
		return &unix.SockaddrUnix{Name: addr}, nil
	}
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	return &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}, nil
}

func connect(fd int, to unix.Sockaddr) error {
	for {
		if err := unix.Connect(fd, to); err != unix.EINTR {
			return err
		}
	}
}

// run is one slice. It starts the messages, continues until the time has passed, and then waits for
// the rest.
func (l *loader) run(d time.Duration) (Slice, error) {
	start := time.Now()
	l.messages, l.running = 0, true
	if err := l.begin(); err != nil {
		return Slice{}, err
	}
	for l.underWay > 0 {
		n, err := l.wait()
		if err != nil {
			return Slice{}, err
		}
		if n == 0 {
			return Slice{}, fmt.Errorf("no answer for %v, %d under way", silence, l.underWay)
		}
		// The clock is read before the events, because the messages that they start belong to the slice.
		l.running = time.Since(start) < d
		for _, ev := range l.events[:n] {
			if err := l.event(int(ev.Fd), ev.Events); err != nil {
				return Slice{}, err
			}
		}
	}
	return Slice{Messages: l.messages, Took: time.Since(start)}, nil
}

func (l *loader) begin() error {
	for i := range l.shape.Active {
		if l.shape.Churn {
			l.underWay++
			if err := l.visit(i); err != nil {
				return err
			}
			continue
		}
		if s := l.conns[i].session; s != nil {
			l.underWay++
			if err := s.ask(); err != nil {
				return err
			}
			continue
		}
		l.underWay += l.shape.Depth
		l.conns[i].unsent += l.shape.Depth * len(l.payload)
		if err := l.push(&l.conns[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) event(i int, ready uint32) error {
	c := &l.conns[i]
	if c.session != nil {
		return l.exchange(c.session)
	}
	if ready&^unix.EPOLLOUT != 0 {
		if l.shape.Churn {
			return l.visited(i)
		}
		if err := l.pull(c); err != nil {
			return err
		}
	}
	if c.unsent > 0 && ready&unix.EPOLLOUT != 0 {
		return l.push(c)
	}
	return nil
}

// push sends the due messages until the kernel accepts no more.
func (l *loader) push(c *conn) error {
	for c.unsent > 0 {
		n, err := send(c.fd, l.payload[c.at:][:min(c.unsent, len(l.payload)-c.at)])
		if err == unix.EAGAIN {
			return nil
		}
		if err != nil {
			return fmt.Errorf("send: %w", err)
		}
		c.unsent -= n
		if c.at += n; c.at == len(l.payload) {
			c.at = 0
		}
	}
	return nil
}

// pull discards the bytes that have come back. For each complete batch it sends the next one.
func (l *loader) pull(c *conn) error {
	for {
		n, err := discard(c.fd, l.scratch)
		if err == unix.EAGAIN {
			return nil
		}
		if err != nil {
			return fmt.Errorf("recv: %w", err)
		}
		if n == 0 {
			return fmt.Errorf("recv: the server closed the connection")
		}
		for c.got += n; c.got >= len(l.payload); c.got -= len(l.payload) {
			l.messages += int64(l.shape.Pipeline)
			if l.running {
				c.unsent += len(l.payload)
			} else {
				l.underWay--
			}
		}
		if err := l.push(c); err != nil {
			return err
		}
		if n < len(l.scratch) {
			return nil
		}
	}
}
