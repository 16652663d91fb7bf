package socket

import "github.com/ureactor/ureactor/internal/kernel"

// sealed is the kernel of an IPPROTO_SEC socket. It does not send and receive, because the bytes
// would not be encrypted. WrapSSL uses the kernel below it.
type sealed struct{ kernel.Kernel }

func (s sealed) Dup(fd int) (int, kernel.Errno)          { return kernel.Dup(s.Kernel, fd) }
func (s sealed) CloseAtOnce(fd int) kernel.Errno         { return kernel.CloseAtOnce(s.Kernel, fd) }
func (sealed) Recv(int, []byte, int) (int, kernel.Errno) { return 0, kernel.EPROTO }
func (sealed) Send(int, []byte, int) (int, kernel.Errno) { return 0, kernel.EPROTO }
func (sealed) SendV(int, [][]byte) (int, kernel.Errno)   { return 0, kernel.EPROTO }
func (sealed) RecvFrom(int, []byte, int) (int, kernel.Addr, kernel.Errno) {
	return 0, kernel.Addr{}, kernel.EPROTO
}
func (sealed) SendTo(int, []byte, int, kernel.Addr) (int, kernel.Errno) { return 0, kernel.EPROTO }

func (sealed) RecvMsg(int, *kernel.Packet, int) kernel.Errno         { return kernel.EPROTO }
func (sealed) SendMsg(int, *kernel.Packet, int) kernel.Errno         { return kernel.EPROTO }
func (sealed) RecvBatch(int, *kernel.Batch) (int, kernel.Errno)      { return 0, kernel.EPROTO }
func (sealed) SendBatch(int, *kernel.Batch, int) (int, kernel.Errno) { return 0, kernel.EPROTO }

// below returns the kernel that can send and receive.
func below(k kernel.Kernel) kernel.Kernel {
	if s, ok := k.(sealed); ok {
		return s.Kernel
	}
	return k
}
