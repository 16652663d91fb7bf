module github.com/ureactor/ureactor/bench

go 1.26.0

replace github.com/ureactor/ureactor => ../

require (
	github.com/ureactor/ureactor v0.0.0-00010101000000-000000000000
	golang.org/x/sys v0.49.0
)

require (
	go.uber.org/multierr v1.10.0 // indirect
	go.uber.org/zap v1.28.0 // indirect
)
