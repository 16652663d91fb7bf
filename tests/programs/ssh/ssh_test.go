package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"context"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
	"github.com/ureactor/ureactor/tests/programs/kit"
)

func server(n kit.Net, nc net.Conn, cfg *ssh.ServerConfig) {
	c, chans, reqs, err := ssh.NewServerConn(nc, cfg)
	if err != nil {
		return
	}
	defer c.Close()
	go ssh.DiscardRequests(reqs)
	for nch := range chans {
		switch nch.ChannelType() {
		case "direct-tcpip":
			var d struct {
				Host  string
				Port  uint32
				OHost string
				OPort uint32
			}
			ssh.Unmarshal(nch.ExtraData(), &d)
			out, err := n.Dial(context.Background(), "tcp", fmt.Sprintf("%s:%d", d.Host, d.Port))
			if err != nil {
				nch.Reject(ssh.ConnectionFailed, err.Error())
				continue
			}
			ch, rq, _ := nch.Accept()
			go ssh.DiscardRequests(rq)
			go func() { io.Copy(ch, out); ch.CloseWrite() }()
			go func() { io.Copy(out, ch); out.(interface{ CloseWrite() error }).CloseWrite() }()
		case "session":
			ch, rq, _ := nch.Accept()
			go func() {
				for q := range rq {
					q.Reply(true, nil)
					switch q.Type {
					case "exec":
						io.WriteString(ch, "did it\n")
						ch.SendRequest("exit-status", false, []byte{0, 0, 0, 7})
						ch.Close()
					case "subsystem":
						s, err := sftp.NewServer(ch)
						if err != nil {
							return
						}
						s.Serve()
						ch.Close()
					}
				}
			}()
		}
	}
}

func run(n kit.Net) error {
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	signer, _ := ssh.NewSignerFromKey(key)
	sc := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil }}
	sc.AddHostKey(signer)
	l, err := n.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go server(n, c, sc)
		}
	}()
	nc, err := n.Dial(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		return err
	}
	cc, chans, reqs, err := ssh.NewClientConn(nc, l.Addr().String(), &ssh.ClientConfig{User: "u", Auth: []ssh.AuthMethod{ssh.Password("p")}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		return err
	}
	c := ssh.NewClient(cc, chans, reqs)
	defer c.Close()
	for i := 0; i < 50; i++ {
		s, err := c.NewSession()
		if err != nil {
			return err
		}
		out, err := s.Output("x")
		if e, ok := err.(*ssh.ExitError); !ok || e.ExitStatus() != 7 || string(out) != "did it\n" {
			return fmt.Errorf("exec: %q, %v", out, err)
		}
	}
	f, err := sftp.NewClient(c)
	if err != nil {
		return err
	}
	defer f.Close()
	dir, _ := os.MkdirTemp("", "sftp")
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "f")
	w, err := f.Create(name)
	if err != nil {
		return err
	}
	h := sha256.New()
	if _, err := w.ReadFrom(io.TeeReader(io.LimitReader(zero{}, 100<<20), h)); err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	w.Close()
	g, err := f.Open(name)
	if err != nil {
		return err
	}
	h2 := sha256.New()
	k, err := g.WriteTo(h2)
	if err != nil || k != 100<<20 || string(h.Sum(nil)) != string(h2.Sum(nil)) {
		return fmt.Errorf("download: %d, %v", k, err)
	}
	// A forwarded connection is half-closed.
	e, err := n.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer e.Close()
	go func() {
		c, err := e.Accept()
		if err == nil {
			io.Copy(c, c)
			c.Close()
		}
	}()
	t, err := c.Dial("tcp", e.Addr().String())
	if err != nil {
		return err
	}
	go func() { io.CopyN(t, zero{}, 8<<20); t.(interface{ CloseWrite() error }).CloseWrite() }()
	k, err = io.Copy(io.Discard, t)
	if err != nil || k != 8<<20 {
		return fmt.Errorf("forward: %d, %v", k, err)
	}
	return nil
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { return len(p), nil }

// ssh and sftp give the same results as over package net: exec, 100 MiB up and down with the same
// hash, and a forwarded connection with a half-close.
func TestSSH(t *testing.T) { kit.Same(t, run) }
