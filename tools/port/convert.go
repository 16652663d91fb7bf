package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
)

// flow.go and readiness.go follow values. These files can't find every place where a program uses
// one value as an Interest and as a Readiness. Both types have the same bits, so a conversion does
// not change the value.

// misuse matches the errors of types.Checker that a conversion corrects. Its last group is the type
// of the conversion.
var misuse = regexp.MustCompile(
	`type poller\.(?:Interest|Readiness)\) as poller\.(Interest|Readiness) value|` +
		`^invalid case .* \(mismatched types poller\.(?:Interest|Readiness) and poller\.(Interest|Readiness)\)`)

// convert adds the conversions that the ported files need. It returns false if they need none.
func (w *world) convert(at string, files []*file) (done bool) {
	api := w.newAPI()
	if api == nil {
		return false
	}
	ported, ok := api.ported(files)
	if !ok {
		return false
	}
	wanted := map[token.Pos]string{}
	api.failed = func(err error) {
		if e, ok := err.(types.Error); ok {
			if m := misuse.FindStringSubmatch(e.Msg); m != nil {
				wanted[e.Pos] = m[1] + m[2]
			}
		}
	}
	_, info := api.check(at, ported)
	kind := func(e ast.Expr) string {
		t := info.Types[e].Type
		if t == nil {
			return ""
		}
		for _, name := range []string{"Interest", "Readiness"} {
			if types.TypeString(t, nil) == module+"/poller."+name {
				return name
			}
		}
		return ""
	}
	for i, g := range ported {
		p := &port{w: api}
		to := func(e ast.Expr, name string) {
			if pkg := p.qualified(g, "poller", name, ""); pkg != "" {
				p.edit(g, e.Pos(), e.Pos(), pkg+"(")
				p.edit(g, e.End(), e.End(), ")")
			}
		}
		ast.Inspect(g.tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if x, y := kind(n.X), kind(n.Y); x != "" && y != "" && x != y {
					to(n.Y, x)
				}
			case *ast.AssignStmt: // "cannot use" covers = and :=
				if x := kind(n.Lhs[0]); n.Tok != token.ASSIGN && n.Tok != token.DEFINE && x != "" {
					if y := kind(n.Rhs[0]); y != "" && x != y {
						to(n.Rhs[0], x)
					}
				}
			}
			if e, ok := n.(ast.Expr); ok {
				if name := wanted[e.Pos()]; name != "" && kind(e) != "" && kind(e) != name {
					to(e, name)
					delete(wanted, e.Pos())
				}
			}
			return true
		})
		if len(g.edits) > 0 {
			files[i].src, files[i].edits = g.apply(), nil
			done = true
		}
	}
	return done
}

// ported parses the text that the files have after their edits.
func (w *world) ported(files []*file) (list []*file, ok bool) {
	for _, f := range files {
		g, err := w.parse(f.name, f.apply())
		if err != nil {
			return nil, false
		}
		list = append(list, g)
	}
	return list, true
}
