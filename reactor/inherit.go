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

// These environment variables describe the sockets that were passed to a process. The first three
// are systemd's convention: the sockets are the descriptors from 3 on, if LISTEN_PID is this
// process. Restart does not set LISTEN_PID, because the number is unknown before the process
// exists. The last variable names the pipe on which Restart waits for Ready.
const (
	envPid   = "LISTEN_PID"
	envFDs   = "LISTEN_FDS"
	envNames = "LISTEN_FDNAMES"
	envReady = "UREACTOR_READY_FD"

	firstFD   = 3
	maxPassed = 4096
	ownFile   = "ureactor-file" // the name of a Unix socket whose file the receiver must remove
)

// Inherited has the sockets that were passed to this process at its start. They come from systemd
// (socket activation), or from the Restart of an earlier process of the program. With
// WithInherited, Listen uses them instead of new ones. So a client that connects during a restart
// is not refused. Any goroutine may call the methods of an Inherited.
type Inherited struct {
	mu    sync.Mutex
	socks []inheritedSocket
	ready *os.File // nil if no Restart waits
}

// inheritedSocket is a socket of an Inherited.
type inheritedSocket struct {
	fd   int
	typ  int
	addr Addr
	file netaddr.File // the file that this process removes at the end
	name string       // the socket's name in the systemd unit
	use  bool         // the socket can listen or receive
}

// Inherit adopts the sockets that were passed to this process. There may be none. Inherit removes
// the variables that name the sockets from the environment. Otherwise children of the program would
// adopt the sockets too. If the variables are wrong, Inherit returns an error.
func Inherit() (*Inherited, error) {
	pid, n, names, ready := os.Getenv(envPid), os.Getenv(envFDs), os.Getenv(envNames), os.Getenv(envReady)
	for _, name := range []string{envPid, envFDs, envNames, envReady} {
		if err := os.Unsetenv(name); err != nil {
			return nil, err
		}
	}
	in := &Inherited{}
	ours := pid != "" || ready != ""
	if n == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return in, nil
	}
	count, err := strconv.Atoi(n)
	if err != nil || count < 0 || count > maxPassed {
		return nil, fmt.Errorf("reactor: inherit: %s=%q: must be 0 … %d", envFDs, n, maxPassed)
	}
	name := strings.Split(names, ":")
	for i := range count {
		s, err := look(firstFD + i)
		if err != nil {
			return nil, err
		}
		if !s.use && !ours { // the variable is probably stale, and the descriptor is another file
			return nil, fmt.Errorf("reactor: inherit: %s=%s without %s, and descriptor %d is no socket to listen or receive on; unset %s, or set %s",
				envFDs, n, envPid, s.fd, envFDs, envPid)
		}
		if i < len(name) {
			s.name = name[i]
		}
		if ready != "" { // only Restart sets it; sockets of a systemd unit may have any names
			s.file = ownedFile(s.name, s.addr)
		}
		in.socks = append(in.socks, s)
	}
	for _, s := range in.socks {
		kernel.CloseOnExec(s.fd)
	}
	if ready != "" {
		fd, err := strconv.Atoi(ready)
		if err != nil || fd < firstFD || !kernel.IsPipe(fd) {
			return nil, fmt.Errorf("reactor: inherit: %s=%q is no open descriptor of a pipe", envReady, ready)
		}
		kernel.CloseOnExec(fd)
		in.ready = os.NewFile(uintptr(fd), "ready")
	}
	return in, nil
}

// ownedFile returns the file of a Unix socket that this process must remove at the end. Restart
// passes the file in the name of the socket. Older versions of this package do not pass the
// identity of the file.
func ownedFile(name string, a Addr) netaddr.File {
	if name == ownFile {
		f := netaddr.FileOf(kernel.Host, a)
		f.Share()
		return f
	}
	if text, ok := strings.CutPrefix(name, ownFile+"."); ok {
		f, _ := netaddr.ParseFile(text)
		return f
	}
	return netaddr.File{}
}

// look examines the descriptor. It changes nothing, because other processes share the file.
func look(fd int) (s inheritedSocket, err error) {
	k := kernel.Host
	s.fd = fd
	var e kernel.Errno
	if s.typ, e = k.GetOpt(fd, kernel.SOL_SOCKET, kernel.SO_TYPE); e == kernel.EBADF {
		return s, fmt.Errorf("reactor: inherit: descriptor %d is not open", fd)
	}
	if e == 0 {
		s.addr, e = k.LocalAddr(fd)
	}
	if e != 0 || s.addr.Family == 0 || s.typ != kernel.SOCK_STREAM && s.typ != kernel.SOCK_DGRAM {
		return s, nil
	}
	_, e = k.PeerAddr(fd)
	s.use = e != 0 // a connected socket serves only its peer
	return s, nil
}

// Unused returns the descriptors that no Listen or ListenPacket has used: sockets at other
// addresses, connected sockets, and other files. They then belong to the caller. They are in the
// order in which they were passed, and have the names of LISTEN_FDNAMES. The only thing that
// Inherit has changed is that children do not inherit them.
func (in *Inherited) Unused() []*os.File {
	if in == nil {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	var files []*os.File
	for _, s := range in.socks {
		files = append(files, os.NewFile(uintptr(s.fd), s.name))
	}
	in.socks = nil
	return files
}

// Ready reports to the caller of Restart that this program now listens. It closes the descriptors
// that were used neither by Listen nor by Unused, and returns how many. A second call does nothing.
func (in *Inherited) Ready() (unused int, err error) {
	if in == nil {
		return 0, nil
	}
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

// WithInherited makes Listen and ListenPacket use the socket that was passed for their address, if
// there is one. Port 0 matches the first unused socket, whatever its port. If several sockets were
// passed for the address, as by a Group, Group.Listen uses all of them. The function of WithControl
// is not called for such sockets. nil means that no sockets were passed.
func WithInherited(in *Inherited) ListenOption {
	return listenOption(func(o *sockOptions) error {
		if in != nil {
			o.passed = func(k Kernel, n netaddr.Network, b netaddr.Binding) ([]inheritedSocket, error) {
				list := in.take(n.Type, b)
				return list, o.prepareInherited(k, n, list)
			}
		}
		if o.op == "dial" {
			return fmt.Errorf("reactor: WithInherited is for listen and listen packet, not for dial")
		}
		return nil
	})
}

// take removes the sockets for the address from the list and returns them. A binding to the
// wildcard address of both families also matches sockets that are bound to the wildcard address of
// one family.
func (in *Inherited) take(typ int, b netaddr.Binding) (found []inheritedSocket) {
	in.mu.Lock()
	defer in.mu.Unlock()
	a := b.Addr
	fits := func(s inheritedSocket, port uint16) bool {
		at, want := s.addr, a
		if want.Family != kernel.AF_UNIX {
			want.Port = port
		}
		if b.Dual && at.IsUnspecified() {
			at.Family, want.Family = 0, 0
		}
		return s.use && s.typ == typ && at == want
	}
	var rest []inheritedSocket
	for _, s := range in.socks {
		if a.Port == 0 && s.addr.Port != 0 && fits(s, s.addr.Port) {
			a.Port = s.addr.Port // the other sockets must have the same port
		}
		if !fits(s, a.Port) {
			rest = append(rest, s)
			continue
		}
		found = append(found, s)
	}
	in.socks = rest
	return found
}

// passedFor returns the sockets that were passed for the address. There may be none.
func (o *sockOptions) passedFor(k Kernel, n netaddr.Network, b netaddr.Binding) ([]inheritedSocket, error) {
	if o.passed == nil {
		return nil, nil
	}
	return o.passed(k, n, b)
}

// socket returns the socket for the address: one that was passed, or a new one. If several were
// passed, `more` has the others.
func (o *sockOptions) socket(k Kernel, n netaddr.Network, b netaddr.Binding, bind func() (int, error)) (s inheritedSocket, more []inheritedSocket, err error) {
	if list, err := o.passedFor(k, n, b); len(list) > 0 {
		return list[0], list[1:], err
	}
	fd, err := bind()
	return inheritedSocket{fd: fd, file: netaddr.FileOf(k, b.Addr)}, nil, err
}

// prepareInherited makes the sockets non-blocking, and sets the options that accepted connections
// inherit. If that fails, it closes all sockets of the list.
func (o *sockOptions) prepareInherited(k Kernel, n netaddr.Network, list []inheritedSocket) error {
	for _, s := range list {
		if e := kernel.Adopt(s.fd); e != 0 {
			closeInherited(k, list)
			return callError("fcntl", e)
		}
		if n.TCP() {
			tcpOptions(k, s.fd, o)
		}
	}
	return nil
}

func closeInherited(k Kernel, list []inheritedSocket) {
	for _, s := range list {
		k.Close(s.fd)
	}
}
