package socket

import (
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// SetSockOpt sets an option. value is an int, a bool, or the bytes that the host expects. Of an
// int, the kernel gets only the lower 32 bits. With SOL_SOCKET, SO_CALLBACK and a func(*Socket) or
// nil, SetSockOpt does the same as SetCallback.
func (s *Socket) SetSockOpt(level, name int, value any) error {
	if level != int(int32(level)) || name != int(int32(name)) {
		return fail(opSetOpt, kernel.ENOPROTOOPT)
	}
	switch v := value.(type) {
	case bool:
		n := 0
		if v {
			n = 1
		}
		return s.set(level, name, func(fd int) desc.Errno { return s.d.Kernel.SetOpt(fd, level, name, n) })
	case int:
		return s.set(level, name, func(fd int) desc.Errno { return s.d.Kernel.SetOpt(fd, level, name, int(int32(v))) })
	case []byte:
		err := s.set(level, name, func(fd int) desc.Errno { return s.d.Kernel.SetOptBytes(fd, level, name, v) })
		return groupError(level, name, v, err)
	case nil:
		if level == SOL_SOCKET && name == SO_CALLBACK {
			return s.SetCallback(nil)
		}
	case func(*Socket):
		if level == SOL_SOCKET && name == SO_CALLBACK {
			return s.SetCallback(v)
		}
	}
	return badValue(opSetOpt, "value of type %T must be int, bool or []byte, or for SO_CALLBACK func(*Socket) or nil", value)
}

// set sets an option. If the option may be SO_RCVLOWAT, it stores the value for later receives.
func (s *Socket) set(level, name int, f func(fd int) desc.Errno) error {
	return s.use(opSetOpt, func(fd int) desc.Errno {
		e := f(fd)
		if e == 0 && level == SOL_SOCKET && name == SO_RCVLOWAT {
			s.setLeast(fd)
		}
		return e
	})
}

// GetSockOpt returns the value of an option that is an int.
func (s *Socket) GetSockOpt(level, name int) (v int, err error) {
	if level != int(int32(level)) || name != int(int32(name)) {
		return 0, fail(opGetOpt, kernel.ENOPROTOOPT)
	}
	err = s.use(opGetOpt, func(fd int) (e desc.Errno) {
		v, e = s.d.Kernel.GetOpt(fd, level, name)
		return e
	})
	return v, err
}

// optionMax is the largest size that GetSockOptBytes accepts, as in CPython.
const optionMax = 1024

// GetSockOptBytes returns the value of an option, at most size bytes.
func (s *Socket) GetSockOptBytes(level, name, size int) ([]byte, error) {
	if size < 0 || size > optionMax {
		return nil, badValue(opGetOpt, "size %d must be 0 … %d", size, optionMax)
	}
	if level != int(int32(level)) || name != int(int32(name)) {
		return nil, fail(opGetOpt, kernel.ENOPROTOOPT)
	}
	p := make([]byte, size)
	n := 0
	err := s.use(opGetOpt, func(fd int) (e desc.Errno) {
		n, e = s.d.Kernel.GetOptBytes(fd, level, name, p)
		return e
	})
	runtime.KeepAlive(s)
	return p[:min(n, size)], err
}
