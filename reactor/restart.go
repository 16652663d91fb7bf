package reactor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/netaddr"
)

// Restart starts cmd, which is usually this program again. It passes all sockets of the loop to cmd
// that listen or receive datagrams, and waits until cmd calls Inherited.Ready. When Restart returns
// nil, cmd serves the same sockets with the same backlogs, so no client is refused. Then close the
// listeners, let the open connections end, and call Shutdown. Connections are not passed to the new
// process.
//
// If ctx ends, or the new process exits without Ready, Restart returns an error. In both cases the
// new process does not run any more, and this one continues as before.
//
// The reactor must run, and Restart must be called on another goroutine. cmd must not have
// ExtraFiles. A second Restart of the loop waits until the first one has returned. If Restart
// returns nil, the caller may call cmd.Wait. If cmd.WaitDelay is 0, Restart sets it to half a
// second. (WaitDelay limits the wait for the output of a process that has exited, if its children
// still have the pipe.)
//
// The file of a Unix socket belongs to all processes that have the socket. The last process that
// closes the socket removes the file.
func (r *Reactor) Restart(ctx context.Context, cmd *exec.Cmd) error {
	return restart(ctx, cmd, []*Reactor{r})
}

// Restart is Reactor.Restart with the sockets of all loops. The new process may have another number
// of loops. A loop that has failed has no sockets, because other loops have taken them over.
func (g *Group) Restart(ctx context.Context, cmd *exec.Cmd) error { return restart(ctx, cmd, g.loops) }

func restart(ctx context.Context, cmd *exec.Cmd, loops []*Reactor) error {
	mustHave(ctx, "Restart")
	if len(cmd.ExtraFiles) > 0 {
		panic("reactor: Restart of a command with ExtraFiles: Restart passes the sockets there, so leave it empty")
	}
	for _, r := range loops { // always in the same order, so that two Restarts cannot deadlock
		select {
		case r.restarting <- struct{}{}:
			defer func() { <-r.restarting }()
		case <-ctx.Done():
			return fmt.Errorf("reactor: restart: another Restart has not returned: %w", context.Cause(ctx))
		}
	}
	if err := lendAll(ctx, cmd, loops); err != nil {
		return fmt.Errorf("reactor: restart: %w", err)
	}
	return nil
}

// lendAll passes the sockets of all loops to the new process.
func lendAll(ctx context.Context, cmd *exec.Cmd, loops []*Reactor) error {
	var lent []lentSocket
	defer func() { closeDuplicates(lent) }()
	for _, r := range loops {
		more, err := r.duplicateSockets(ctx)
		if lent = append(lent, more...); errors.Is(err, ErrClosed) && r.group.survives() {
			continue
		}
		if err != nil {
			return err
		}
	}
	return startProcess(ctx, cmd, lent)
}

// closeDuplicates closes the duplicates of the sockets in this process. It also removes the file of
// a socket, if the loop has closed the socket meanwhile and no other process has it.
func closeDuplicates(lent []lentSocket) {
	for _, l := range lent {
		_ = l.dup.Close()
		l.r.logRemoved(l.file, l.file.RemoveUnused(l.r.k))
	}
}

// A lentSocket is a socket that is passed to the new process.
type lentSocket struct {
	r    *Reactor
	dup  *os.File
	file netaddr.File // shared, because the new process has the socket too
}

// A fileOwner is a Listener or a PacketConn.
type fileOwner interface {
	socketFile() *netaddr.File
}

func (l *Listener) socketFile() *netaddr.File { return &l.file }

func (c *PacketConn) socketFile() *netaddr.File { return &c.file }

// duplicateSockets makes the loop duplicate its sockets, and returns the duplicates.
func (r *Reactor) duplicateSockets(ctx context.Context) (list []lentSocket, err error) {
	type result struct {
		list []lentSocket
		err  error
	}
	done := make(chan result, 1)
	ok := r.mustPost(func() {
		var res result
		r.table.All(func(fd int, w *Watch) {
			owner, ok := w.sink.(fileOwner)
			if !ok {
				return
			}
			d, e := kernel.Duplicate(fd)
			if e != 0 {
				res.err = callError("dup", e)
				return
			}
			file := owner.socketFile()
			file.Share()
			res.list = append(res.list, lentSocket{r, os.NewFile(uintptr(d), "socket"), *file})
		})
		done <- res
	})
	if !ok {
		return nil, ErrClosed
	}
	select {
	case res := <-done:
		return res.list, res.err
	case <-ctx.Done():
		go func() { closeDuplicates((<-done).list) }() // the loop may still send the list
		return nil, ctx.Err()
	}
}

// startProcess starts cmd with the sockets, and waits for its Ready.
func startProcess(ctx context.Context, cmd *exec.Cmd, socks []lentSocket) error {
	word, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer word.Close()
	names := make([]string, len(socks))
	for i, l := range socks {
		names[i] = "socket"
		if l.file != (netaddr.File{}) {
			names[i] = ownFile + "." + l.file.Text()
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, l.dup)
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, theirs)
	cmd.Env = slices.DeleteFunc(cmd.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == envPid || name == envFDs || name == envNames || name == envReady
	})
	cmd.Env = append(cmd.Env, fmt.Sprint(envFDs, "=", len(socks)), envNames+"="+strings.Join(names, ":"),
		fmt.Sprint(envReady, "=", firstFD+len(socks)))
	if cmd.WaitDelay == 0 {
		// Set before Start, because after Start a goroutine of cmd may read WaitDelay at any time.
		cmd.WaitDelay = outputDelay
	}
	err = cmd.Start()
	_ = theirs.Close()
	if err != nil {
		return err
	}
	if awaitReady(ctx, word, cmd.Process.Pid) {
		return nil
	}
	_ = cmd.Process.Kill() // an error means that the process has exited already
	end := cmd.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("the new process has exited without Ready: %v", end)
}

const (
	lookTime = 20 * time.Millisecond // the time between two checks of whether the new process runs
	// the limit of the wait for output after an exit, because a child may have the pipe
	outputDelay = 500 * time.Millisecond
)

// awaitReady waits for the message of Ready, until ctx or the process has ended. It checks for the
// end of the process, because the end of the pipe is not enough: a child of the process may have
// the pipe.
func awaitReady(ctx context.Context, word *os.File, pid int) bool {
	for last := false; ctx.Err() == nil; {
		_ = word.SetReadDeadline(time.Now().Add(lookTime))
		var said [1]byte
		n, err := word.Read(said[:])
		if n == 1 {
			return said[0] == readyByte
		}
		if last || !errors.Is(err, os.ErrDeadlineExceeded) {
			return false
		}
		last = kernel.Exited(pid) // one more read follows, because the message may be older than the exit
	}
	return false
}
