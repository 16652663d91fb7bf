module github.com/ureactor/ureactor/bench

go 1.26.0

replace github.com/ureactor/ureactor => ../

require golang.org/x/sys v0.49.0
