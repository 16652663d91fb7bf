// Package suite runs the servers side by side and compares what a message costs each.
package suite

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Style is one way to write the echo server, with the settings that serve it best. Several may share a program.
type Style struct {
	Name  string
	About string // for the report: what it is, its settings
	Args  []string
	Env   []string               // beside the suite's own
	build func(bin string) error // makes the program bin
	bin   string                 // below bench/bin
}

// The reference is the first that could be built: every other is compared with its neighbouring slices.
var styles = []Style{
	{Name: "c", About: "the limit: one epoll loop in C, level-triggered, 64 KiB buffer, gcc -O2", bin: "epoll", build: gcc("c/epoll.c")},
	{Name: "c-again", About: "control: the same binary a second time", bin: "epoll", build: gcc("c/epoll.c")},
	{Name: "callback", About: "ours: reactor.Handler, every option at its default; GOMAXPROCS 2 on its one core", Env: []string{"GOMAXPROCS=2"}, bin: "callback", build: golang("./servers/callback")},
	{Name: "task", About: "ours: a task for each connection, blocking in RecvInto and SendAll, 64 KiB buffer each; GOMAXPROCS 2 on its one core", Env: []string{"GOMAXPROCS=2"}, bin: "task", build: golang("./servers/task")},
	{Name: "goroutine", About: "ours: a goroutine for each connection, parked in RecvInto and SendAll, 64 KiB buffer each; GOMAXPROCS 2 on its one core", Env: []string{"GOMAXPROCS=2"}, bin: "goroutine", build: golang("./servers/goroutine")},
	{Name: "poll", About: "ours: a loop of the user's over sel.Poll and non-blocking sockets; GOMAXPROCS 2 on its one core", Env: []string{"GOMAXPROCS=2"}, bin: "poll", build: golang("./servers/poll")},
	{Name: "net", About: "standard library: a goroutine for each connection, 64 KiB buffer each", bin: "net", build: golang("./servers/net")},
}

func golang(pkg string) func(string) error {
	return func(bin string) error { return command("go", "build", "-o", bin, pkg) }
}

func gcc(source string) func(string) error {
	return func(bin string) error {
		if _, err := exec.LookPath("gcc"); err != nil {
			return errors.New("no gcc here, so no server in C")
		}
		return command("gcc", "-O2", "-Wall", "-o", bin, source)
	}
}

func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// build makes the programs of the styles in dir. What cannot be built is left out, and said.
func build(want []Style, dir string, say func(string, ...any)) ([]Style, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	made := map[string]error{}
	var built []Style
	for _, s := range want {
		s.bin = filepath.Join(dir, s.bin)
		err, tried := made[s.bin]
		if !tried {
			err = s.build(s.bin)
			made[s.bin] = err
		}
		if err != nil {
			say("left out: %s: %v", s.Name, err)
			continue
		}
		built = append(built, s)
	}
	return built, nil
}
