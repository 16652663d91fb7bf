package server

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func golang(pkg string, flags ...string) func(string) error {
	return func(bin string) error {
		return command("go", append(append([]string{"build", "-o", bin}, flags...), pkg)...)
	}
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

// Build builds the programs of the styles in dir. It leaves out and reports a style that it cannot
// build.
func Build(want []Style, dir string, say func(string, ...any)) ([]Style, error) {
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
