package inspector

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// textMost is how many bytes of a name are shown at most.
const textMost = 200

// clean makes a foreign text harmless on a terminal and in a table. It quotes unprintable
// characters as Go does, and truncates a long text.
func clean(s string) string {
	short := s
	if len(s) > textMost {
		short = strings.ToValidUTF8(s[:textMost], "") + "…"
	}
	plain := true
	for _, c := range short {
		if plain = strconv.IsPrint(c) && c != utf8.RuneError; !plain {
			break
		}
	}
	if plain {
		return short
	}
	q := strconv.Quote(short)
	return q[1 : len(q)-1]
}

// cleanLines is clean for a stack. It keeps the line breaks.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		body := strings.TrimLeft(l, "\t")
		lines[i] = strings.Repeat("    ", len(l)-len(body)) + clean(body)
	}
	return strings.Join(lines, "\n")
}

// bytesText formats a number of bytes with three digits: 1.23 MiB.
func bytesText(n float64) string {
	for _, unit := range []string{"B", "KiB", "MiB", "GiB", "TiB"} {
		if n < 999.5 || unit == "TiB" {
			if unit == "B" || n >= 99.95 {
				return fmt.Sprintf("%.0f %s", n, unit)
			}
			return fmt.Sprintf("%.1f %s", n, unit)
		}
		n /= 1024
	}
	return ""
}

// secondsText formats a duration for people: 1.2 ms, 3.4 s, 5m6s, 2h30m, 3d4h.
func secondsText(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < 0:
		return "0 s"
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", s*1e6)
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", s*1e3)
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", s)
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

func countText(n float64) string {
	switch {
	case n < 10 && n != float64(int(n)):
		return fmt.Sprintf("%.1f", n)
	case n < 10_000:
		return fmt.Sprintf("%.0f", n)
	case n < 999_500:
		return fmt.Sprintf("%.0f k", n/1e3)
	}
	return fmt.Sprintf("%.1f M", n/1e6)
}

// shortFunc returns the name of a function without the path of its module.
func shortFunc(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
