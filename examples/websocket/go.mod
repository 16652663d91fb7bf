module github.com/ureactor/ureactor/examples/websocket

go 1.26.0

require (
	github.com/coder/websocket v1.8.15
	github.com/ureactor/ureactor v0.1.0
	go.uber.org/goleak v1.3.0
	golang.org/x/net v0.62.0
)

require (
	go.uber.org/multierr v1.10.0 // indirect
	go.uber.org/zap v1.28.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
