package reactor

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/ureactor/ureactor/internal/kernel"
)

// fileMax is how many bytes of a file one Conn sends in one step. While sendfile waits for the
// disk, the loop waits too.
const fileMax = 256 << 10

var errFileFiltered = errors.New("reactor: SendFile: the Conn has a Filter, which the kernel would bypass; read the file and call Send")

// SendFile sends n bytes of a regular file, starting at offset, after earlier output. If the system
// supports that, the kernel copies the bytes from its cache to the socket. After SendFile the file
// belongs to the Conn, which closes it when the bytes are sent or the Conn has ended. If SendFile
// returns an error, the file still belongs to the caller.
//
// Buffered counts the bytes of the file. So they throttle the Conn, and Drained is called later.
// SendFile may exceed the limit of WithLimits. Then Send is refused until less than the limit is
// buffered. If the file turns out to be shorter, the Conn is aborted with io.ErrUnexpectedEOF.
// While the kernel reads from the disk, the loop waits. On a Conn with a Filter (TLS), SendFile
// returns an error.
func (c *Conn) SendFile(f *os.File, offset, n int64) error {
	if f == nil {
		panic("reactor: SendFile of a nil file")
	}
	if c.filter != nil {
		return errFileFiltered
	}
	if err := c.sendable(0); err != nil && !errors.Is(err, ErrBuffered) {
		return err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		return fmt.Errorf("reactor: SendFile: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("reactor: SendFile %s: it is no regular file", f.Name())
	case offset < 0 || n < 0 || offset > info.Size() || n > info.Size()-offset || n > int64(math.MaxInt-c.Buffered()):
		return fmt.Errorf("reactor: SendFile %s: offset %d and %d bytes: must be within its size, %d", f.Name(), offset, n, info.Size())
	case n == 0:
		_ = f.Close() // nothing was written, so the error has no meaning
		return nil
	}
	pool := &c.w.r.outputs
	pool.flushFile = (*Conn).flushFile
	if c.out == nil {
		c.out = pool.output()
	}
	c.out.addFile(pool, f, offset, int(n))
	c.throttle()
	if !c.is(dialling | blocked) {
		c.flushLater()
	}
	return nil
}

// flushFile sends bytes of the file that is first in the output. It returns whether to continue
// with the output after the file. It sends at most fileMax bytes in one step.
func (c *Conn) flushFile() (goOn bool) {
	r, part := c.w.r, c.out.head
	asked := min(part.end-part.start, fileMax)
	offset := part.offset + int64(part.start)
	n, e := kernel.SendFile(r.k, int(c.w.fd), int(part.file.Fd()), &offset, asked)
	switch {
	case e == kernel.EAGAIN: // n is 0, and the rest waits for Out
	case e != 0 && kernel.Refusal(e): // the system cannot do that for this file or socket
		return c.readFile(part)
	case e != 0:
		c.failOutput(callError("sendfile", e))
		return false
	case n == 0:
		c.fileCut(part, io.ErrUnexpectedEOF)
		return false
	}
	r.often.sends++
	done := n == part.end-part.start
	c.out.skip(&r.outputs, n)
	c.wrote(n)
	return done
}

// readFile reads the next bytes of the file into memory, as a chunk in front of the file.
func (c *Conn) readFile(part *chunk) (goOn bool) {
	o, pool := c.out, &c.w.r.outputs
	read := pool.chunk()
	n, err := part.file.ReadAt(read.b[:min(part.end-part.start, chunkSize)], part.offset+int64(part.start))
	if n == 0 {
		pool.freeChunk(read)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		c.fileCut(part, err)
		return false
	}
	read.end, read.at = n, part.at
	if part.start += n; part.start < part.end {
		read.next = part
	} else {
		read.next = part.next
		if o.tail == part {
			o.tail = read
		}
		o.files--
		pool.freeChunk(part)
	}
	o.head = read
	return true
}

// fileCut aborts the Conn, because the file has fewer bytes than the peer was promised.
func (c *Conn) fileCut(part *chunk, err error) {
	name := part.file.Name()
	c.reset()
	c.tearDown(fmt.Errorf("reactor: SendFile %s: %w", name, err))
}
