//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package kernel

import (
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

type hostBatch struct{}

func (*host) Traits() Traits                    { return Traits{} }
func (*host) Now() timeout.Deadline             { return poller.Now() }
func (*host) NewPoller() (poller.Poller, error) { return poller.New() }

func (*host) Socket(family, typ, proto int) (int, Errno)     { return -1, ENOSYS }
func (*host) Bind(fd int, a Addr) Errno                      { return ENOSYS }
func (*host) Listen(fd, backlog int) Errno                   { return ENOSYS }
func (*host) Accept(fd int) (int, Addr, Errno)               { return -1, Addr{}, ENOSYS }
func (*host) Connect(fd int, to Addr) Errno                  { return ENOSYS }
func (*host) LocalAddr(fd int) (Addr, Errno)                 { return Addr{}, ENOSYS }
func (*host) PeerAddr(fd int) (Addr, Errno)                  { return Addr{}, ENOSYS }
func (*host) Recv(fd int, p []byte, flags int) (int, Errno)  { return 0, ENOSYS }
func (*host) Send(fd int, p []byte, flags int) (int, Errno)  { return 0, ENOSYS }
func (*host) SendV(fd int, pieces [][]byte) (int, Errno)     { return 0, ENOSYS }
func (*host) RecvBatch(fd int, b *Batch) (int, Errno)        { return 0, ENOSYS }
func (*host) SendBatch(fd int, b *Batch, n int) (int, Errno) { return 0, ENOSYS }
func (*host) Ready(fd int) (poller.Interest, Errno)          { return 0, ENOSYS }
func (*host) Shutdown(fd, how int) Errno                     { return ENOSYS }
func (*host) Close(fd int) Errno                             { return ENOSYS }
func (*host) GetOpt(fd, level, name int) (int, Errno)        { return 0, ENOSYS }
func (*host) SetOpt(fd, level, name, value int) Errno        { return ENOSYS }
func (*host) Unsent(fd int) (int, Errno)                     { return 0, ENOSYS }
func (*host) Unlink(path string) Errno                       { return ENOSYS }

func (*host) RecvFrom(fd int, p []byte, flags int) (int, Addr, Errno)  { return 0, Addr{}, ENOSYS }
func (*host) SendTo(fd int, p []byte, flags int, to Addr) (int, Errno) { return 0, ENOSYS }
func (*host) FileID(path string) (FileID, Errno)                       { return FileID{}, ENOSYS }
func (*host) RecvMsg(fd int, p *Packet, flags int) Errno               { return ENOSYS }
func (*host) SendMsg(fd int, p *Packet, flags int) Errno               { return ENOSYS }
func (*host) GetOptBytes(fd, level, name int, p []byte) (int, Errno)   { return 0, ENOSYS }
func (*host) SetOptBytes(fd, level, name int, p []byte) Errno          { return ENOSYS }
