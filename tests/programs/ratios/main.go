package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"regexp"
	"strconv"
)

const most = 1.05 // of the CPU time over package net

func main() {
	rounds := flag.Int("rounds", 5, "how often each program runs over each package")
	packages := flag.String("packages", "./...", "`pattern` of the packages")
	flag.Parse()
	c := exec.Command("go", "test", "-json", "-p", "1", "-count", "1", "-timeout", "2h", *packages, "-rounds", strconv.Itoa(*rounds))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ratios:", err)
		os.Exit(1)
	}
	bad := 0
	line := regexp.MustCompile(`wall ([\d.]+) \(.*CPU ([\d.]+) \(([\d.]+) s`)
	fmt.Print("| program | wall, netconn ÷ net | CPU, netconn ÷ net | CPU |\n|---|---|---|---|\n")
	for in := bufio.NewScanner(out); in.Scan(); {
		var e struct{ Action, Package, Test, Output string }
		if json.Unmarshal(in.Bytes(), &e) != nil {
			continue
		}
		name := path.Base(e.Package) + " " + e.Test
		if m := line.FindStringSubmatch(e.Output); m != nil {
			if v, _ := strconv.ParseFloat(m[2], 64); v > most {
				bad++
				m[2] = "**" + m[2] + "**"
			}
			fmt.Printf("| %s | %s | %s | %s s |\n", name, m[1], m[2], m[3])
		}
		if e.Action == "fail" && e.Test != "" {
			fmt.Printf("| %s | fails | | |\n", name)
		}
	}
	if err := c.Wait(); err != nil || bad > 0 {
		fmt.Fprintf(os.Stderr, "ratios: %d above %v; go test: %v\n", bad, most, err)
		os.Exit(1)
	}
}
