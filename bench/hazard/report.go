package hazard

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Write writes hazards.md, hazards.csv and hazards.json to dir.
func (b *Board) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var md strings.Builder
	b.Markdown(&md)
	if err := os.WriteFile(filepath.Join(dir, "hazards.md"), []byte(md.String()), 0o644); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(struct {
		Began    string
		Seed     uint64
		Verdicts []Verdict
		Notes    []string
	}{b.Began.UTC().Format("2006-01-02T15:04:05Z"), b.Seed, b.Verdicts, b.Notes}, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "hazards.json"), raw, 0o644); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(dir, "hazards.csv"))
	if err != nil {
		return err
	}
	w := csv.NewWriter(file)
	w.Write([]string{"row", "server", "outcome", "figure", "error"})
	for _, v := range b.Verdicts {
		w.Write([]string{v.Row, v.Server, v.Outcome, v.Figure, v.Error})
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return file.Close()
}

// Markdown writes the scoreboard and its explanation.
func (b *Board) Markdown(to io.Writer) {
	fmt.Fprintf(to, "# Hazards, %s, seed %d\n\n", b.Began.UTC().Format("2006-01-02 15:04 MST"), b.Seed)
	for _, n := range b.Notes {
		fmt.Fprintf(to, "- %s\n", strings.ReplaceAll(n, "\n", "\n  "))
	}
	b.Table(to)
	fmt.Fprint(to, "\n## What it takes\n\n")
	for _, r := range b.Rows {
		fmt.Fprintf(to, "- **%s**: %s\n", r.Name, r.Pass)
	}
	fmt.Fprint(to, "\n## What failed\n\n")
	for _, v := range b.Verdicts {
		if v.Outcome == "fail" {
			fmt.Fprintf(to, "- **%s**, %s: %s\n", v.Row, v.Server, strings.ReplaceAll(v.Error, "\n", "; "))
		}
	}
}

// Table writes the scoreboard without explanation.
func (b *Board) Table(to io.Writer) {
	fmt.Fprint(to, "| |")
	for _, s := range b.Styles {
		fmt.Fprintf(to, " %s |", s.Name)
	}
	fmt.Fprintf(to, "\n|---|%s\n", strings.Repeat("---|", len(b.Styles)))
	for _, r := range b.Rows {
		fmt.Fprintf(to, "| %s |", r.Name)
		for _, s := range b.Styles {
			fmt.Fprintf(to, " %s |", b.cell(r.Name, s.Name))
		}
		fmt.Fprintln(to)
	}
}

func (b *Board) cell(row, style string) string {
	for _, v := range b.Verdicts {
		if v.Row != row || v.Server != style {
			continue
		}
		switch v.Outcome {
		case "pass":
			return "✓ " + v.Figure
		case "fail":
			return "**✗ " + orElse(v.Figure, "fails") + "**"
		}
		return "– " + v.Figure
	}
	return ""
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
