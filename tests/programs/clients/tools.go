package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// output runs a program and returns what it prints.
func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// find returns the text that the first group of a regular expression matches.
func find(text, expr string) (string, error) {
	m := regexp.MustCompile(expr).FindStringSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("no %q in\n%s", expr, text)
	}
	return m[1], nil
}

// h2load runs h2load, which counts successful requests and their status codes.
func h2load(scheme string, args ...string) func(context.Context, *server) (result, error) {
	return func(ctx context.Context, s *server) (r result, err error) {
		out, err := output(ctx, "h2load", append(slices.Clone(args), s.url(scheme))...)
		if err != nil {
			return r, err
		}
		of, err := find(out, `requests: (.*)`)
		if err != nil {
			return r, err
		}
		codes, err := find(out, `status codes: (.*)`)
		if err != nil {
			return r, err
		}
		took, err := find(out, `finished in ([0-9.a-z]+)`)
		if err != nil {
			return r, err
		}
		if r.took, err = time.ParseDuration(took); err != nil {
			return r, err
		}
		r.requests, err = strconv.Atoi(strings.Fields(of)[0])
		numbers := regexp.MustCompile(`(\d+) (\w+)`)
		done := map[string]string{}
		for _, m := range numbers.FindAllStringSubmatch(of+", "+codes, -1) {
			done[m[2]] = m[1]
		}
		r.says = fmt.Sprintf("%s of %s succeed, %s × 2xx, %s errors, %s time-outs", done["succeeded"], done["total"], done["2xx"],
			done["errored"], done["timeout"])
		return r, err
	}
}

// wrk runs wrk, which counts socket errors and answers that are not 2xx.
func wrk(scheme string, conns int) func(context.Context, *server) (result, error) {
	return func(ctx context.Context, s *server) (r result, err error) {
		out, err := output(ctx, "wrk", "-t1", "-c", strconv.Itoa(conns), "-d2s", s.url(scheme))
		if err != nil {
			return r, err
		}
		n, err := find(out, `(\d+) requests in`)
		if err != nil {
			return r, err
		}
		took, err := find(out, `requests in ([0-9.a-z]+),`)
		if err != nil {
			return r, err
		}
		if r.took, err = time.ParseDuration(took); err != nil {
			return r, err
		}
		if r.requests, err = strconv.Atoi(n); err != nil {
			return r, err
		}
		r.says = "no error, every answer is 2xx"
		if strings.Contains(out, "Socket errors") || strings.Contains(out, "Non-2xx") {
			r.says = regexp.MustCompile(`\s+`).ReplaceAllString(regexp.MustCompile(`(?m)^\s*(Socket errors|Non-2xx).*$`).FindString(out), " ")
		}
		return r, nil
	}
}

// slow runs 200 slow clients of slowhttptest. Meanwhile a quick client sends requests repeatedly.
func slow(args ...string) func(context.Context, *server) (result, error) {
	return func(ctx context.Context, s *server) (r result, err error) {
		dir, err := os.MkdirTemp("", "slow")
		if err != nil {
			return r, err
		}
		defer os.RemoveAll(dir)
		probing, stop := context.WithCancel(ctx)
		var asked, failed atomic.Int64
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for probing.Err() == nil {
				if asked.Add(1); !answers(s.url("http")) {
					failed.Add(1)
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
		report := filepath.Join(dir, "report")
		out, err := output(ctx, "slowhttptest", append(slices.Clone(args), "-c", "200", "-r", "200", "-l", "15", "-p", "5",
			"-u", "http://"+s.http+bigPath, "-g", "-o", report)...)
		stop()
		<-ended
		if err != nil {
			return r, err
		}
		return result{says: slowEnd(out, report, failed.Load())}, nil
	}
}

func answers(url string) bool {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := client.Get(url)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// slowEnd describes how the slow clients ended, and whether the server served other clients
// meanwhile.
func slowEnd(out, report string, failed int64) string {
	why, err := find(regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(out, ""), `Exit status:\s*(.*)`)
	if err != nil {
		why = "no exit status"
	}
	says := strings.ToLower(strings.TrimSpace(why))
	text, err := os.ReadFile(report + ".csv")
	if err != nil {
		return says + "; no report"
	}
	available := "the service was always available"
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		if f := strings.Split(line, ","); f[len(f)-1] == "0" {
			available = "the service was not always available"
		}
	}
	says += "; " + available
	if failed > 0 {
		return fmt.Sprintf("%s; %d quick requests failed", says, failed)
	}
	return says + "; every quick request was answered"
}

// A finding is one finding of testssl.sh.
type finding struct{ ID, Severity, Finding string }

// changes matches the findings that may differ between two runs against the same server.
var changes = regexp.MustCompile(`^(scanTime|TLS_timestamp|HTTP_clock_skew|HTTP_headerTime|HTTP_headerAge|scanProblem|engine_problem|banner.*|DH_groups_time)$`)

// testssl runs testssl.sh. The result contains all findings, and the table contains their number.
func testssl(ctx context.Context, s *server) (r result, err error) {
	dir, err := os.MkdirTemp("", "testssl")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	report := filepath.Join(dir, "report.json")
	c := exec.CommandContext(ctx, "testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--jsonfile", report, s.https)
	out, _ := c.CombinedOutput() // its exit status counts findings
	text, err := os.ReadFile(report)
	if err != nil {
		return r, fmt.Errorf("%w\n%s", err, out)
	}
	var all []finding
	if err := json.Unmarshal(text, &all); err != nil {
		return r, err
	}
	lines := []string{}
	for _, f := range all {
		if !changes.MatchString(f.ID) {
			lines = append(lines, strings.ReplaceAll(fmt.Sprintf("%s %s %s", f.ID, f.Severity, f.Finding), s.https, "HOST"))
		}
	}
	if len(lines) < 50 {
		return r, fmt.Errorf("testssl has %d findings\n%s", len(lines), out)
	}
	return result{says: strings.Join(lines, "\n")}, nil
}
