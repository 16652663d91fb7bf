package hazard

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ureactor/ureactor/bench/proc"
	"github.com/ureactor/ureactor/bench/servers/serve"
)

const (
	endlessSize = 64 << 20 // bytes after which a peer gives up
	million     = 1_000_000
)

// An endlessPeer sends the bytes of first once, and then the bytes of more repeatedly.
type endlessPeer struct{ first, more []byte }

var (
	endlessHead  = endlessPeer{[]byte("GET / HTTP/1.1\r\nHost: a\r\n"), []byte(strings.Repeat("A: "+strings.Repeat("b", 1000)+"\r\n", 60))}
	endlessBody  = endlessPeer{[]byte("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), []byte("10000\r\n" + strings.Repeat("x", 1<<16) + "\r\n")}
	endlessFrame = endlessPeer{[]byte("\xff\xff\xff\xff"), make([]byte, 1<<16)}
)

// endless counts the peers whose connection the server has closed. Meanwhile it measures the
// server's memory.
func endless(t *Target, p endlessPeer) (string, error) {
	const peers = 4
	if err := t.alive(); err != nil {
		return "", err
	}
	before, err := proc.RSS(t.PID())
	if err != nil {
		return "", err
	}
	cut := make(chan bool, peers)
	for range peers {
		c, err := t.raw()
		if err != nil {
			return "", err
		}
		defer c.Close()
		go func() {
			_ = c.SetDeadline(time.Now().Add(patience))
			end := make(chan bool, 1)
			go func() {
				_, err := io.Copy(io.Discard, c) // the server's answer and the end
				timeout := net.Error(nil)
				end <- !(errors.As(err, &timeout) && timeout.Timeout())
			}()
			sent, err := c.Write(p.first)
			for sent < endlessSize && err == nil && len(end) == 0 {
				var n int
				n, err = c.Write(p.more)
				sent += n
			}
			if sent < endlessSize {
				cut <- <-end
				return
			}
			cut <- false
		}()
	}
	most, gone := before, 0
	for left := peers; left > 0; {
		select {
		case c := <-cut:
			left--
			if c {
				gone++
			}
		case <-time.After(20 * time.Millisecond):
			now, err := proc.RSS(t.PID())
			if err != nil {
				return "", err
			}
			most = max(most, now)
		}
	}
	grown := float64(most-before) / (1 << 20)
	bound := stuckMemory + peers*stuckEach
	if t.messages() {
		bound = messageMemory
	}
	err = errors.Join(within("memory", grown, float64(bound)/(1<<20), "MiB"), t.alive())
	if gone < peers {
		err = errors.Join(err, fmt.Errorf("%d of %d peers have sent %d MiB", peers-gone, peers, endlessSize>>20))
	}
	return fmt.Sprintf("%d of %d cut off, %.0f MiB", gone, peers, grown), err
}

// tricklingHeads sends requests whose heads arrive slowly, byte by byte.
func tricklingHeads(t *Target) (string, error) {
	return wrong(t, []peer{{"a head that trickles", func(t *Target) error {
		c, err := t.raw()
		if err != nil {
			return err
		}
		defer c.Close()
		go func() {
			for i := 0; ; i++ {
				if _, err := c.Write([]byte{"GET / HTTP/1.1\r\nHost: a\r\nA: "[min(i, 27)]}); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
		return ended(c, 3*time.Second)
	}}})
}

// pieces writes each byte separately while answer reads. It returns the server's CPU time for each
// byte.
func (t *Target) pieces(wire []byte, answer func(c net.Conn) error) (string, error) {
	c, err := t.raw()
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(6 * patience))
	before, err := proc.CPU(t.PID())
	if err != nil {
		return "", err
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range wire {
			if _, err := c.Write(wire[i : i+1]); err != nil {
				return // answer reports the error
			}
		}
	})
	err = answer(c)
	if err == nil {
		_ = c.Close() // a server may answer before it has read the body
	}
	writing.Wait()
	after, e := proc.CPU(t.PID())
	each := (after - before) / time.Duration(len(wire))
	return fmt.Sprintf("%.2f µs a byte", float64(after-before)/float64(len(wire))/1e3),
		errors.Join(err, e, within("CPU", float64(each), float64(pieceCPU), "ns a byte"), t.alive())
}

func httpPieces(t *Target) (string, error) {
	wire := fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", million)
	return t.pieces(append(wire, make([]byte, million)...), func(c net.Conn) error {
		a, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return err
		}
		if body, err := io.ReadAll(a.Body); err != nil || string(body) != serve.Hello {
			return fmt.Errorf("%s, %q, %v", a.Status, body, err)
		}
		return nil
	})
}

func framePieces(t *Target) (string, error) {
	var wire []byte
	for i := 0; len(wire) < million; i++ {
		var err error
		if wire, err = serve.Frames.Append(wire, noise(uint64(i), 1000+i%5000)); err != nil {
			return "", err
		}
	}
	return t.pieces(wire, func(c net.Conn) error {
		got := make([]byte, len(wire))
		if n, err := io.ReadFull(c, got); err != nil {
			return fmt.Errorf("%d of %d bytes back: %w", n, len(got), err)
		}
		if !bytes.Equal(got, wire) {
			return errors.New("other bytes came back than were sent")
		}
		return nil
	})
}
