package hazard

import (
	"bytes"
	"fmt"
	"io"
	"time"
)

func halfClose(t *Target) (string, error) {
	c, err := t.dial()
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	sent := noise(t.Seed, halfCloseSize)
	wrote := make(chan error, 1)
	go func() {
		_, err := c.Write(sent)
		if err == nil {
			err = c.CloseWrite()
		}
		wrote <- err
	}()
	select { // a server that buffers everything ends soon; for others the client must start to read
	case err := <-wrote:
		wrote <- err
		time.Sleep(100 * time.Millisecond)
	case <-time.After(500 * time.Millisecond):
	}
	got, err := io.ReadAll(c)
	figure := fmt.Sprintf("%.3g %%", 100*float64(len(got))/float64(len(sent)))
	if err == nil {
		err = <-wrote
	}
	if err == nil && !bytes.Equal(got, sent) {
		err = fmt.Errorf("%d of %d bytes came back", len(got), len(sent))
	}
	return figure, err
}

func shortRequests(t *Target) (string, error) {
	n, lost := 2000, 0
	if t.Quick {
		n = 500
	}
	var first error
	for range n {
		got, err := t.shortRequest()
		if len(got) == 0 {
			lost++
		}
		if string(got) != "hello" && first == nil {
			first = fmt.Errorf("%q came back: %v", got, err)
		}
	}
	return fmt.Sprintf("%d of %d lost", lost, n), first
}

func (t *Target) shortRequest() ([]byte, error) {
	c, err := t.dial()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte("hello")); err != nil {
		return nil, err
	}
	if err := c.CloseWrite(); err != nil {
		return nil, err
	}
	return io.ReadAll(c)
}
