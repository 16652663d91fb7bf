package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// config contains the values of the command line.
type config struct {
	loops                      int
	style                      string
	idle                       time.Duration // 0 means never
	drain                      time.Duration
	handshake                  time.Duration
	stats                      time.Duration // 0 means no figures
	log                        zapcore.Level
	maxConns                   int    // 0 means no limit
	inspect                    string // an address; "" means none
	inspectAny, inspectActions bool
	useTLS                     bool
	certFile                   string // "" means a self-signed certificate
	keyFile                    string
	tls                        *tls.Config // nil means no TLS
	addrs                      []address
}

const defaultAddress = "tcp://127.0.0.1:7777"

// leastInterval is the smallest value of -idle and -stats, so that the program does not spin.
const leastInterval = time.Millisecond

func newFlags(cfg *config) *flag.FlagSet {
	fs := flag.NewFlagSet("echo", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // run prints the error itself, on one line
	fs.Usage = func() {}
	fs.IntVar(&cfg.loops, "loops", 1, "`number` of event loops, in callback style; 0 is one for each processor")
	fs.StringVar(&cfg.style, "style", "callback", "`how` to serve: callback, task (blocking style) or net (goroutines)")
	fs.DurationVar(&cfg.idle, "idle", 0, "close connections after this `time` of quiet; 0 is never")
	fs.DurationVar(&cfg.drain, "drain", 5*time.Second, "`time` to go on delivering after SIGTERM or SIGINT")
	fs.DurationVar(&cfg.stats, "stats", 0, "print figures once per this `time`; 0 is never")
	fs.Var(&cfg.log, "log", "log at this `level` and above: debug, info, warn or error (default info)")
	fs.BoolVar(&cfg.useTLS, "tls", false, "speak TLS on streams; without -cert with a self-signed certificate")
	fs.DurationVar(&cfg.handshake, "handshake", netconn.HandshakeTimeout, "close a connection if its TLS handshake takes longer than this `time`")
	fs.StringVar(&cfg.certFile, "cert", "", "PEM `file` of the certificates for TLS")
	fs.StringVar(&cfg.keyFile, "key", "", "PEM `file` of the certificate's key")
	fs.IntVar(&cfg.maxConns, "max-conns", 0, "greatest `number` of connections per address, others wait; 0 is no limit")
	fs.StringVar(&cfg.inspect, "inspect", "", "serve the inspector's pages at this `host:port`, a loopback address")
	fs.BoolVar(&cfg.inspectAny, "inspect-any", false, "let -inspect have any address: who reaches it sees the peers")
	fs.BoolVar(&cfg.inspectActions, "inspect-actions", false, "let who has the token, printed at the start, close connections and more")
	return fs
}

func usage(w io.Writer) {
	fmt.Fprintf(w, `usage: echo [flags] [addr ...]

addr is tcp://host:port, udp://host:port, unix:///path or unixgram:///path; tcp4, tcp6, udp4 and
udp6 keep to one kind of IP. Port 0 takes a free one, an empty host all of this machine's addresses.
Without an addr: %s

`, defaultAddress)
	fs := newFlags(&config{})
	fs.SetOutput(w)
	fs.PrintDefaults()
}

// parse reads and checks the command line. Its error has only one line.
func parse(args []string) (*config, error) {
	cfg := &config{}
	fs := newFlags(cfg)
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	list := fs.Args()
	if len(list) == 0 {
		list = []string{defaultAddress}
	}
	for _, s := range list {
		a, err := parseAddress(s)
		if err != nil {
			return nil, err
		}
		if !a.stream() && (cfg.useTLS || cfg.certFile != "") {
			return nil, fmt.Errorf("address %q: -tls is for streams", s)
		}
		cfg.addrs = append(cfg.addrs, a)
	}
	var err error
	cfg.tls, err = cfg.tlsConfig()
	return cfg, err
}

func (cfg *config) check() error {
	switch {
	case cfg.loops < 0 || cfg.loops > reactor.MaxLoops:
		return fmt.Errorf("-loops %d: must be 0 (one for each processor) … %d", cfg.loops, reactor.MaxLoops)
	case cfg.loops != 1 && cfg.style != "callback":
		return fmt.Errorf("-loops %d: tasks and their sockets are of one loop; several take -style callback", cfg.loops)
	case cfg.style != "callback" && cfg.style != "task" && cfg.style != "net":
		return fmt.Errorf("-style %q: must be callback, task or net", cfg.style)
	case (cfg.certFile == "") != (cfg.keyFile == ""):
		return fmt.Errorf("-cert and -key: must be given both")
	case cfg.idle != 0 && cfg.idle < leastInterval:
		return fmt.Errorf("-idle %v: must be 0 (never) or at least %v", cfg.idle, leastInterval)
	case cfg.stats != 0 && cfg.stats < leastInterval:
		return fmt.Errorf("-stats %v: must be 0 (never) or at least %v", cfg.stats, leastInterval)
	case cfg.drain < 0:
		return fmt.Errorf("-drain %v: must be 0 or more", cfg.drain)
	case cfg.handshake < time.Millisecond || cfg.handshake > time.Hour:
		return fmt.Errorf("-handshake %v: must be 1ms … 1h", cfg.handshake)
	case cfg.maxConns < 0:
		return fmt.Errorf("-max-conns %d: must be 0 (no limit) or more", cfg.maxConns)
	case cfg.inspect == "" && (cfg.inspectAny || cfg.inspectActions):
		return fmt.Errorf("-inspect-any and -inspect-actions: need -inspect")
	case cfg.inspect != "" && !cfg.inspectAny && !loopback(cfg.inspect):
		return fmt.Errorf("-inspect %s: must be a loopback address such as 127.0.0.1:6060, or -inspect-any must be given", cfg.inspect)
	case cfg.log < zapcore.DebugLevel || cfg.log > zapcore.ErrorLevel:
		return fmt.Errorf("-log %v: must be debug, info, warn or error", cfg.log)
	}
	return nil
}
