module github.com/ureactor/ureactor

go 1.26.0

require (
	github.com/tidwall/evio v1.0.8
	go.uber.org/goleak v1.3.0
	go.uber.org/zap v1.28.0
	golang.org/x/net v0.62.0
	golang.org/x/sys v0.49.0
	pgregory.net/rapid v1.3.0
)

require (
	github.com/kavu/go_reuseport v1.5.0 // indirect
	go.uber.org/multierr v1.10.0 // indirect
)
