package main

import (
	"bufio"
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	columns   = 100
	sentence  = 25
	fileLines = 300
	budget    = "tools/words/budget.txt"
)

// kinds are the kinds of findings, in the order of the table.
var kinds = []string{"columns", "sentences", "words", "files"}

// dialect has the private words, with the words from the table in CONTRIBUTING.md that replace
// them. Quoted code is not checked.
var dialect = []struct {
	pattern *regexp.Regexp
	use     string
}{
	{regexp.MustCompile(`(?i)\b(is|are|be|was|were|been|has|have)\b[^.;:]{0,30}\btold\b|\btold\b`), "report, deliver, notify"},
	{regexp.MustCompile(`(?i)\btells?\b`), "report, return whether"},
	{regexp.MustCompile(`(?i)\bhears? (of|nothing)\b`), "receive, is notified of"},
	{regexp.MustCompile(`(?i)\b(a|the|leaves?|no) words? (for|has|have|come|came)\b|\bleaves? (a )?words?\b`), "ready flag, wake"},
	{regexp.MustCompile(`(^|[.;:] )(Who|Whom|Whose|Whoever|Whatever)\b`), "name the subject"},
	{regexp.MustCompile(`(^|[.;] )What [^?]*$`), "name the subject"},
	{regexp.MustCompile(`(?i)\bwhat of\b|\bof what\b|\bwhat is more\b`), "name the noun"},
	{regexp.MustCompile(`(?i)\bagain is nothing\b|\bis nothing (in|once|on|without)\b`), "a second call does nothing"},
	{regexp.MustCompile(`(?i)\bhas (had )?(its|their|his) share\b|\bshares? of the (loop|turn)\b`), "budget"},
	{regexp.MustCompile(`(?i)\b(lets?|letting|let) (the )?others? run\b|\brests (for|until)\b`), "yield"},
	{regexp.MustCompile(`(?i)\bdormant\b`), "suspended"},
	{regexp.MustCompile(`(?i)\bbury|buries|buried\b`), "reap"},
	{regexp.MustCompile(`(?i)\brelieve[sd]?\b|\bpressed\b`), "throttled, unthrottle"},
	{regexp.MustCompile(`(?i)\bin vain\b`), "without result"},
	{regexp.MustCompile(`(?i)\bto be had\b|\bbe had\b`), "available"},
	{regexp.MustCompile(`(?i)\bfor ever\b`), "without limit"},
	{regexp.MustCompile(`(?i)\b(is|are|has|have) gone\b|\bis over\b|\bare over\b`), "closed, finished"},
	{regexp.MustCompile(`(?i)\bone's own\b|\bthe user's\b`), "user code"},
	{regexp.MustCompile(`(?i)\b(the former|the latter)\b`), "name the noun"},
	{regexp.MustCompile(`(^|[.;:] )The same (of|over|with|when|for|without|seen)\b`), "a whole sentence: The same holds …"},
	{regexp.MustCompile(`(?i)\b(nobody|somebody|anybody|everybody)'s\b`), "name the owner"},
	{regexp.MustCompile(`\bgo(es)? on\b|\bwent on\b`), "continue"},
	{regexp.MustCompile(`(?i)\bwho gets here\b|\bfor good\b`), "name the subject, or the duration"},
	{regexp.MustCompile(`SEMANTICS`), "doc/semantics.md"},
}

type finding struct {
	at, kind, text string
}

func main() {
	verbose := flag.Bool("v", false, "print each finding")
	set := flag.Bool("set", false, "lower the budget to what was counted")
	flag.Parse()
	out, err := exec.Command("git", append([]string{"ls-files", "--"}, flag.Args()...)...).Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "words:", err)
		os.Exit(2)
	}
	counts := map[string]map[string]int{}
	folders := map[string]bool{}
	for name := range strings.FieldsSeq(string(out)) {
		folders[path.Dir(name)] = true
		found := check(name)
		for _, f := range found {
			if *verbose {
				fmt.Printf("%s: %s: %s\n", f.at, f.kind, f.text)
			}
			if counts[path.Dir(name)] == nil {
				counts[path.Dir(name)] = map[string]int{}
			}
			counts[path.Dir(name)][f.kind]++
		}
	}
	limits := readBudget()
	bad := false
	fmt.Printf("%-40s%10s%10s%10s%10s\n", "folder", "columns", "sentences", "words", "files")
	for _, dir := range slices.Sorted(maps.Keys(counts)) {
		fmt.Printf("%-40s", dir)
		for _, k := range kinds {
			over := ""
			if n, most := counts[dir][k], limits[dir][k]; n > most {
				bad, over = true, fmt.Sprintf(">%d", most)
			}
			fmt.Printf("%10s", fmt.Sprint(counts[dir][k])+over)
		}
		fmt.Println()
	}
	if *set {
		for _, arg := range flag.Args() {
			if f, err := os.Stat(arg); err != nil || !f.IsDir() {
				fmt.Fprintf(os.Stderr, "words: -set %s: must be a folder\n", arg)
				os.Exit(2)
			}
		}
		writeBudget(lowered(limits, counts, folders))
	}
	if bad {
		fmt.Println("above the budget; go run ./tools/words -v FOLDER shows each")
		os.Exit(1)
	}
}

// check returns the findings of one file.
func check(name string) (found []finding) {
	src, err := os.ReadFile(name)
	if err != nil || strings.HasPrefix(name, "bench/results/") {
		return nil
	}
	var text []string // the prose by line; "" for other lines
	lines := strings.Split(string(src), "\n")
	switch path.Ext(name) {
	case ".go":
		if n := len(lines) - 1; n > fileLines {
			found = append(found, finding{name, "files", fmt.Sprintf("%d lines", n)})
		}
		text = comments(name, src, lines)
	case ".md":
		text = prose(lines)
	default:
		return nil
	}
	for i, t := range text {
		at := fmt.Sprintf("%s:%d", name, i+1)
		if t != "" && utf8.RuneCountInString(lines[i]) > columns {
			found = append(found, finding{at, "columns", fmt.Sprint(utf8.RuneCountInString(lines[i]))})
		}
		for _, d := range dialect {
			if m := d.pattern.FindString(t); m != "" {
				found = append(found, finding{at, "words", fmt.Sprintf("%q: %s", strings.TrimSpace(m), d.use)})
			}
		}
	}
	return append(found, long(name, text)...)
}

var code = regexp.MustCompile("`[^`]*`")

// comments are the lines of a Go file with the text of its comments only.
func comments(name string, src []byte, lines []string) []string {
	text := make([]string, len(lines)+1)
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		return nil
	}
	for _, group := range f.Comments {
		for _, c := range group.List {
			line := fset.Position(c.Pos()).Line - 1
			for i, t := range strings.Split(c.Text, "\n") {
				t = strings.TrimPrefix(t, "//")
				if strings.HasPrefix(t, "\t") || strings.HasPrefix(t, "go:") {
					continue // an example, a directive
				}
				text[line+i] = strings.TrimSpace(code.ReplaceAllString(t, "x"))
			}
			if before := lines[line][:fset.Position(c.Pos()).Column-1]; strings.TrimSpace(before) != "" {
				text[line] += "." // a comment behind code ends with its line
			}
		}
	}
	return text[:len(lines)]
}

// prose are the lines of a page without code, tables and headings.
func prose(lines []string) []string {
	text := make([]string, len(lines))
	fenced := false
	for i, l := range lines {
		t := strings.TrimSpace(l)
		switch {
		case strings.HasPrefix(t, "```"):
			fenced = !fenced
		case fenced, strings.HasPrefix(t, "|"), strings.HasPrefix(t, "#"), strings.HasPrefix(t, "<"), strings.HasPrefix(l, "    "):
		default:
			text[i] = code.ReplaceAllString(t, "x")
		}
	}
	return text
}

var ends = regexp.MustCompile(`[.;?!:](\s|$)`)

// long returns the sentences that have too many words. An empty line or a new item ends a sentence.
func long(name string, text []string) (found []finding) {
	var words []string
	start := 0
	flush := func() {
		if len(words) > sentence {
			found = append(found, finding{fmt.Sprintf("%s:%d", name, start), "sentences",
				fmt.Sprintf("%d words: %s …", len(words), strings.Join(words[:6], " "))})
		}
		words = nil
	}
	for i, t := range text {
		if t == "" || strings.HasPrefix(t, "- ") || strings.HasPrefix(t, "* ") {
			flush()
		}
		for _, part := range ends.Split(t, -1) {
			if len(words) == 0 {
				start = i + 1
			}
			words = append(words, strings.Fields(part)...)
			if t = strings.TrimPrefix(t, part); t != "" {
				flush()
				t = t[min(2, len(t)):]
			}
		}
	}
	flush()
	return found
}

func readBudget() map[string]map[string]int {
	limits := map[string]map[string]int{}
	f, err := os.Open(budget)
	if err != nil {
		return limits
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var dir string
		n := make([]int, len(kinds))
		if _, err := fmt.Sscan(s.Text(), &dir, &n[0], &n[1], &n[2], &n[3]); err == nil {
			limits[dir] = map[string]int{}
			for i, k := range kinds {
				limits[dir][k] = n[i]
			}
		}
	}
	return limits
}

// lowered returns new limits after a count of some folders. No limit rises: a folder with more
// findings keeps its limit. The limits of other folders do not change.
func lowered(limits, counts map[string]map[string]int, folders map[string]bool) map[string]map[string]int {
	after := maps.Clone(limits)
	for dir := range folders {
		least, sum := map[string]int{}, 0
		for _, k := range kinds {
			least[k] = min(limits[dir][k], counts[dir][k])
			sum += least[k]
		}
		if after[dir] = least; sum == 0 {
			delete(after, dir)
		}
	}
	return after
}

func writeBudget(counts map[string]map[string]int) {
	var b strings.Builder
	b.WriteString("# folder columns sentences words files: what go run ./tools/words allows. Lower it, never raise it.\n")
	for _, dir := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprint(&b, dir)
		for _, k := range kinds {
			fmt.Fprint(&b, " ", counts[dir][k])
		}
		b.WriteString("\n")
	}
	if err := os.WriteFile(budget, []byte(b.String()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "words:", err)
		os.Exit(2)
	}
}
