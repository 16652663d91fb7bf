package reactor

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
)

// The environment of a process that was passed sockets. The first three are systemd's convention: descriptors 3, 4 … are
// the sockets, if LISTEN_PID is this process. Restart cannot know that number before there is a process and leaves it
// out; it says where it waits for Ready instead.
const (
	envPid   = "LISTEN_PID"
	envFDs   = "LISTEN_FDS"
	envNames = "LISTEN_FDNAMES"
	envReady = "UREACTOR_READY_FD"

	firstFD   = 3
	maxPassed = 4096
	ownFile   = "ureactor-file" // the name of a Unix socket whose file the receiver has to remove at its end
)

// Inherited are sockets that this process was passed at its start: by systemd (socket activation) or by a Restart of the
// program that runs already. With WithInherited they are used in place of new ones, so nobody who connects meanwhile is
// refused. Its methods may be called by any goroutine.
type Inherited struct {
	mu    sync.Mutex
	socks []passed
	ready *os.File // nil when nobody waits
}

// passed is one of them.
type passed struct {
	fd   int
	typ  int
	addr Addr
	file netaddr.File // to remove at the end
}

// Inherit takes over the sockets that this process was passed, none if there are none, and removes what says so from the
// environment, so that the program's own children do not think that it is for them. An error means that what is said
// cannot be.
func Inherit() (*Inherited, error) {
	pid, n, names, ready := os.Getenv(envPid), os.Getenv(envFDs), os.Getenv(envNames), os.Getenv(envReady)
	for _, name := range []string{envPid, envFDs, envNames, envReady} {
		if err := os.Unsetenv(name); err != nil {
			return nil, err
		}
	}
	in := &Inherited{}
	if n == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return in, nil
	}
	count, err := strconv.Atoi(n)
	if err != nil || count < 0 || count > maxPassed {
		return nil, fmt.Errorf("reactor: inherit: %s=%q: must be 0 … %d", envFDs, n, maxPassed)
	}
	name := strings.Split(names, ":")
	for i := range count {
		s, err := adopt(firstFD + i)
		if err != nil {
			return nil, err
		}
		if i < len(name) {
			s.file = ownedFile(name[i], s.addr)
		}
		in.socks = append(in.socks, s)
	}
	if ready != "" {
		fd, err := strconv.Atoi(ready)
		if err != nil || fd < firstFD || kernel.Adopt(fd) != 0 {
			return nil, fmt.Errorf("reactor: inherit: %s=%q is no open descriptor", envReady, ready)
		}
		in.ready = os.NewFile(uintptr(fd), "ready")
	}
	return in, nil
}

// ownedFile is the file that a socket's name says is to be removed at the end. A program of before this one's time says
// nothing of its identity.
func ownedFile(name string, a Addr) netaddr.File {
	if name == ownFile {
		return netaddr.FileOf(kernel.Host, a)
	}
	if text, ok := strings.CutPrefix(name, ownFile+"."); ok {
		f, _ := netaddr.ParseFile(text)
		return f
	}
	return netaddr.File{}
}

func adopt(fd int) (s passed, err error) {
	s.fd = fd
	e := kernel.Adopt(fd)
	if e == 0 {
		s.typ, e = kernel.Host.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_TYPE)
	}
	if e == 0 {
		s.addr, e = kernel.Host.LocalAddr(fd)
	}
	if e != 0 {
		return s, fmt.Errorf("reactor: inherit: descriptor %d is no socket: %w", fd, e)
	}
	return s, nil
}

// Ready is for when the program listens: it closes what nobody has asked for and tells who waits in Restart. It returns
// how many were closed. Again is nothing.
func (in *Inherited) Ready() (unused int, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, s := range in.socks {
		kernel.Host.Close(s.fd)
	}
	unused, in.socks = len(in.socks), nil
	if in.ready != nil {
		_, err = in.ready.Write([]byte{readyByte})
		if e := in.ready.Close(); err == nil {
			err = e
		}
		in.ready = nil
	}
	return unused, err
}

const readyByte = 'r'

// WithInherited has Listen and ListenPacket use the socket that was passed for their address, if there is one. Port 0
// is any port: that of the first which nobody has asked for. Of several at one address, as the loops of a Group have
// them, a Group takes all. WithControl is not called for them. nil is no sockets.
func WithInherited(in *Inherited) ListenOption {
	return func(o *sockOptions) error {
		o.inherited = in
		if o.op == "dial" {
			return fmt.Errorf("reactor: WithInherited is for listen and listen packet, not for dial")
		}
		return nil
	}
}

// take gives the sockets for the address, and forgets them.
func (in *Inherited) take(typ int, a Addr) (found []passed) {
	if in == nil {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	var rest []passed
	for _, s := range in.socks {
		if a.Port == 0 && a.Family != kernel.AF_UNIX && s.typ == typ {
			if any := s.addr; any.Port != 0 {
				if any.Port = 0; any == a {
					a = s.addr // and all others must have the same port
				}
			}
		}
		if s.typ == typ && s.addr == a {
			found = append(found, s)
		} else {
			rest = append(rest, s)
		}
	}
	in.socks = rest
	return found
}

// socket is the socket for the address: one that was passed, or a new one. more are others that were passed for it.
func (o *sockOptions) socket(k Kernel, n netaddr.Network, a Addr, bind func() (int, error)) (s passed, more []passed, err error) {
	if list := o.inherited.take(n.Type, a); len(list) > 0 {
		return list[0], list[1:], o.prepareInherited(k, n, list)
	}
	fd, err := bind()
	return passed{fd: fd, file: netaddr.FileOf(k, a)}, nil, err
}

// prepareInherited sets what accepted connections inherit; on error it closes them all.
func (o *sockOptions) prepareInherited(k Kernel, n netaddr.Network, list []passed) error {
	for _, s := range list {
		if !n.TCP() {
			continue
		}
		if err := tcpOptions(k, s.fd, o); err != nil {
			closePassed(k, list)
			return err
		}
	}
	return nil
}

func closePassed(k Kernel, list []passed) {
	for _, s := range list {
		k.Close(s.fd)
	}
}
