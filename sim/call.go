package sim

import "github.com/ureactor/ureactor/internal/kernel"

// A Call is one method of the simulated kernel. Faults happen at Calls.
type Call uint8

const (
	NewPoller Call = iota
	Add
	Mod
	Del
	Wait
	Socket
	Bind
	Listen
	Accept
	Connect
	LocalAddr
	PeerAddr
	Recv
	RecvFrom
	Send
	SendTo
	SendV
	RecvBatch
	SendBatch
	Ready
	Shutdown
	Close
	GetOpt
	SetOpt
	GetOptBytes
	SetOptBytes
	Unsent
	Unlink
	Lookup
	FileOpen // the calls from here on are those of a Disk
	FileRead
	FileWrite
	FileSync
	FileTruncate
	FileRename
	FileRemove
	callCount
)

var callNames = [callCount]string{"epoll_create", "epoll_add", "epoll_mod", "epoll_del", "epoll_wait", "socket", "bind", "listen",
	"accept", "connect", "getsockname", "getpeername", "recv", "recvfrom", "send", "sendto", "sendmsg", "recvmmsg", "sendmmsg",
	"poll", "shutdown", "close", "getsockopt", "setsockopt", "getsockopt", "setsockopt", "siocoutq", "unlink", "lookup",
	"open", "pread", "pwrite", "fsync", "ftruncate", "rename", "remove"}

func (c Call) String() string { return callNames[c] }

// Calls returns all Calls, in a fixed order.
func Calls() []Call {
	all := make([]Call, callCount)
	for i := range all {
		all[i] = Call(i)
	}
	return all
}

// callErrors lists the errors that each call can return on a healthy machine with valid arguments.
// Even if Close and Del return an error, Close frees the number and Del ends the registration.
var callErrors = [callCount][]Errno{
	NewPoller: {kernel.EMFILE, kernel.ENFILE, kernel.ENOMEM},
	Add:       {kernel.ENOMEM, kernel.EPERM},
	Mod:       {kernel.ENOMEM},
	Del:       {kernel.ENOMEM},
	Wait:      {kernel.ENOMEM},
	Socket:    {kernel.EMFILE, kernel.ENFILE, kernel.ENOBUFS, kernel.ENOMEM, kernel.EPERM},
	Bind:      {kernel.EADDRINUSE, kernel.EADDRNOTAVAIL, kernel.ENOMEM},
	Listen:    {kernel.EADDRINUSE, kernel.ENOBUFS},
	Accept: {kernel.ECONNABORTED, kernel.EMFILE, kernel.ENFILE, kernel.ENOBUFS, kernel.ENOMEM, kernel.EPERM,
		kernel.EPROTO},
	Connect: {kernel.ECONNREFUSED, kernel.ENETUNREACH, kernel.EHOSTUNREACH, kernel.EADDRNOTAVAIL, kernel.ENOBUFS,
		kernel.ETIMEDOUT, kernel.EPERM},
	LocalAddr:   {kernel.ENOBUFS},
	PeerAddr:    {kernel.ENOBUFS, kernel.ENOTCONN},
	Recv:        {kernel.ECONNRESET, kernel.ENOBUFS, kernel.ENOMEM, kernel.ETIMEDOUT},
	RecvFrom:    {kernel.ECONNREFUSED, kernel.ENOBUFS, kernel.ENOMEM},
	Send:        {kernel.ECONNRESET, kernel.EPIPE, kernel.ENOBUFS, kernel.ENOMEM},
	SendTo:      {kernel.ENOBUFS, kernel.EPERM, kernel.EHOSTUNREACH, kernel.ENETUNREACH, kernel.ECONNREFUSED},
	SendV:       {kernel.ECONNRESET, kernel.EPIPE, kernel.ENOBUFS, kernel.ENOMEM},
	RecvBatch:   {kernel.ECONNREFUSED, kernel.ENOBUFS, kernel.ENOMEM},
	SendBatch:   {kernel.ENOBUFS, kernel.EPERM, kernel.EHOSTUNREACH},
	Ready:       {kernel.ENOMEM},
	Shutdown:    {kernel.ENOTCONN, kernel.ENOBUFS},
	Close:       {kernel.ECONNRESET},
	GetOpt:      {kernel.ENOBUFS},
	SetOpt:      {kernel.ENOMEM, kernel.ENOPROTOOPT, kernel.EINVAL},
	GetOptBytes: {kernel.ENOBUFS},
	SetOptBytes: {kernel.ENOMEM, kernel.EINVAL},
	Unsent:      {kernel.EINVAL},
	Unlink:      {kernel.EPERM, kernel.ENOENT},

	FileOpen:     {kernel.EMFILE, kernel.ENFILE, kernel.EIO, kernel.ENOMEM},
	FileRead:     {kernel.EIO},
	FileWrite:    {kernel.EIO, kernel.ENOSPC},
	FileSync:     {kernel.EIO, kernel.ENOSPC},
	FileTruncate: {kernel.EIO},
	FileRename:   {kernel.EIO, kernel.ENOSPC},
	FileRemove:   {kernel.EIO},
}

// Errors returns the errors that a fault can make the call return.
func (c Call) Errors() []Errno { return callErrors[c] }

// Shorts returns whether the call can move fewer bytes or datagrams than requested.
func (c Call) Shorts() bool {
	switch c {
	case Recv, Send, SendV, RecvBatch, SendBatch:
		return true
	}
	return false
}

// Agains returns whether a fault can make the call return EAGAIN although data or room is there.
func (c Call) Agains() bool {
	switch c {
	case Accept, RecvFrom, SendTo:
		return true
	}
	return c.Shorts()
}

// writes returns whether the call concerns the output of a socket.
func (c Call) writes() bool {
	switch c {
	case Send, SendTo, SendV, SendBatch, Connect:
		return true
	}
	return false
}
