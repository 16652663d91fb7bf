package sim

import "github.com/ureactor/ureactor/internal/kernel"

func (h *Host) LocalAddr(fd int) (a Addr, e Errno) {
	f, v, ok := h.on(LocalAddr, fd)
	if !ok {
		return Addr{}, v.e
	}
	switch s := f.(type) {
	case *tcp:
		a = s.told(s.local)
	case *udp:
		a = s.told(s.local)
	case *unixSocket:
		a = kernel.Unix(s.path)
	default:
		e = kernel.EOPNOTSUPP
	}
	h.args(a.String)
	h.note(LocalAddr, fd, int(a.Port), e)
	return a, e
}

func (h *Host) PeerAddr(fd int) (a Addr, e Errno) {
	f, v, ok := h.on(PeerAddr, fd)
	if !ok {
		return Addr{}, v.e
	}
	e = kernel.ENOTCONN
	switch s := f.(type) {
	case *tcp:
		if s.phase == up && !s.over() {
			a, e = s.told(s.remote), 0
		}
	case *udp:
		if s.remote.IsValid() {
			a, e = s.told(s.remote), 0
		}
	case *unixSocket:
		if s.phase == up || !s.stream && s.remote != "" {
			a, e = kernel.Unix(s.remote), 0
		}
	}
	h.args(a.String)
	h.note(PeerAddr, fd, int(a.Port), e)
	return a, e
}

func (h *Host) Unlink(path string) Errno {
	v := h.gate(Unlink, -1)
	e := v.e
	if e == 0 {
		if _, there := h.paths[path]; !there || abstract(path) {
			e = kernel.ENOENT
		} else {
			delete(h.paths, path)
			delete(h.ids, path)
		}
	}
	h.mixText(path)
	h.args(quoted(path))
	h.note(Unlink, -1, 0, e)
	return e
}

// FileID returns device and inode of the file at path. Its only error is ENOENT.
func (h *Host) FileID(path string) (kernel.FileID, Errno) {
	id := h.ids[path]
	if _, there := h.paths[path]; h.gone() || !there || abstract(path) {
		return kernel.FileID{}, kernel.ENOENT
	}
	return kernel.FileID{Dev: 1, Ino: id, Socket: true}, 0
}
