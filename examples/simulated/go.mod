module github.com/ureactor/ureactor/examples/simulated

go 1.26.0

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/ureactor/ureactor v0.1.0
)

require (
	go.uber.org/multierr v1.10.0 // indirect
	go.uber.org/zap v1.28.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

