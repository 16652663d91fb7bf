package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// A mutant is one change.
type mutant struct {
	number   int
	file     string
	line     int
	function string // package.(*Type).method
	operator string
	text     string // of the changed place
	edits    []edit
	reason   string // the reason in the list of equivalent mutants, or ""
}

// key names a mutant. The name contains no line, so it stays the same while function and text do.
func (m *mutant) key() string { return fmt.Sprintf("%s | %s | %s", m.function, m.operator, m.text) }

// A finder collects the mutants of one function.
type finder struct {
	*pack
	fset     *token.FileSet
	file     string
	function string
	number   *int
	found    []*mutant
	locks    map[string]*mutant // by the expression before the method
	parents  []ast.Node         // of the node that is visited
}

// mutants returns all mutants of a package. next points to the last number that is in use.
func (p *pack) mutants(fset *token.FileSet, next *int) (all []*mutant) {
	for _, syntax := range p.syntax {
		for _, d := range syntax.Decls {
			d, ok := d.(*ast.FuncDecl)
			if !ok || d.Body == nil {
				continue
			}
			f := &finder{pack: p, fset: fset, file: fset.File(d.Pos()).Name(), number: next, locks: map[string]*mutant{}}
			f.function = p.types.Name() + "." + f.name(d)
			f.early(d)
			ast.Inspect(d.Body, f.visit)
			f.distinguish()
			all = append(all, f.found...)
		}
	}
	return all
}

// distinguish makes the keys of a function's mutants different. From the second mutant with the
// same key on, it adds a number.
func (f *finder) distinguish() {
	count := map[string]int{}
	for _, m := range f.found {
		key := m.key()
		if count[key]++; count[key] > 1 {
			m.text += fmt.Sprintf(" #%d", count[key])
		}
	}
}

func (f *finder) name(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	return "(" + f.source(d.Recv.List[0].Type) + ")." + d.Name.Name
}

func (f *finder) offset(p token.Pos) int { return f.fset.Position(p).Offset }

func (f *finder) source(n ast.Node) string {
	return string(f.pack.text[f.file][f.offset(n.Pos()):f.offset(n.End())])
}

// short returns the source of a node as one line of at most 70 bytes. It removes backquotes,
// because the page of equivalent mutants puts the text between two backquotes.
func (f *finder) short(n ast.Node) string {
	text := strings.ReplaceAll(strings.Join(strings.Fields(f.source(n)), " "), "`", "")
	if len(text) > 70 {
		text = text[:67] + "..."
	}
	return text
}

// add makes a mutant of the edits at a node.
func (f *finder) add(operator string, n ast.Node, edits ...edit) *mutant {
	*f.number++
	m := &mutant{number: *f.number, file: f.file, line: f.fset.Position(n.Pos()).Line, function: f.function, operator: operator, text: f.short(n)}
	f.found = append(f.found, m)
	m.extend(edits...)
	return m
}

func (m *mutant) extend(edits ...edit) {
	for _, e := range edits {
		e.number = m.number
		m.edits = append(m.edits, e)
	}
}

// is is the call that asks whether the next mutant is switched on.
func (f *finder) is() string { return fmt.Sprintf("mutantOn.Is(%d)", *f.number+1) }

// wrap is an edit with text around a node.
func (f *finder) wrap(n ast.Node, before, after string) edit {
	return around(f.offset(n.Pos()), f.offset(n.End()), before, after)
}

func (f *finder) visit(n ast.Node) bool {
	if n == nil {
		f.parents = f.parents[:len(f.parents)-1]
		return true
	}
	if !f.operators(n) {
		return false
	}
	f.parents = append(f.parents, n)
	return true
}

// operators makes the mutants of a node. It returns whether those inside may be mutated too.
func (f *finder) operators(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		return n.Tok != token.CONST && n.Tok != token.TYPE
	case *ast.ArrayType, *ast.CompositeLit:
		_, list := n.(*ast.CompositeLit)
		return list
	case *ast.BlockStmt:
		f.statements(n.List)
	case *ast.CommClause:
		f.statements(n.Body)
	case *ast.CaseClause:
		f.statements(n.Body)
		f.cases(n)
	case *ast.IfStmt:
		f.negate(n.Cond)
	case *ast.ForStmt:
		if n.Cond != nil {
			f.negate(n.Cond)
		}
	case *ast.BinaryExpr:
		f.binary(n)
	case *ast.BasicLit:
		f.literal(n)
	case *ast.CallExpr:
		f.swap(n)
	}
	return true
}

// early returns at the beginning of a function, with zero values.
func (f *finder) early(d *ast.FuncDecl) {
	var values []string
	if r := d.Type.Results; r != nil && len(r.List[0].Names) == 0 {
		for _, field := range r.List {
			values = append(values, "mutantOn.Zero["+f.source(field.Type)+"]()")
		}
	}
	at := f.offset(d.Body.Lbrace) + 1
	text := "if " + f.is() + " { return " + strings.Join(values, ", ") + " };"
	m := f.add("return early", d.Name)
	m.extend(edit{start: at, end: at, replace: func(func(int, int) string) string { return text }})
}

func (f *finder) negate(cond ast.Expr) {
	f.add("negate", cond, f.wrap(cond, f.is()+" != (", ")"))
}

var neighbours = map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}

func (f *finder) binary(b *ast.BinaryExpr) {
	switch b.Op {
	case token.LAND, token.LOR:
		f.negate(b.X)
		f.negate(b.Y)
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		if f.info.Types[b].Value != nil {
			return
		}
		start, end, left, right := f.offset(b.Pos()), f.offset(b.End()), f.offset(b.X.End()), f.offset(b.Y.Pos())
		is, op, other := f.is(), b.Op.String(), neighbours[b.Op]
		f.add("compare", b, edit{start: start, end: end, replace: func(render func(int, int) string) string {
			x, y := render(start, left), render(right, end)
			return fmt.Sprintf("(%s && (%s %s %s) || !%s && (%s %s %s))", is, x, other, y, is, x, op, y)
		}})
	case token.EQL:
		if f.isErrno(b.Y) {
			f.add("drop errno", b, f.wrap(b, "(!"+f.is()+" && (", "))"))
		}
	case token.NEQ:
		if f.isErrno(b.Y) {
			f.add("drop errno", b, f.wrap(b, "("+f.is()+" || (", "))"))
		}
	}
}

func (f *finder) cases(c *ast.CaseClause) {
	for _, e := range c.List {
		if t := f.info.Types[e]; t.Value == nil && t.IsValue() && types.Identical(t.Type.Underlying(), types.Typ[types.Bool]) {
			f.negate(e)
		}
		if f.isErrno(e) {
			f.add("drop errno", e, f.wrap(e, fmt.Sprintf("mutantOn.Pick(%d, 1<<30, ", *f.number+1), ")"))
		}
	}
}

// isErrno returns whether the expression is a constant error number, but not 0.
func (f *finder) isErrno(e ast.Expr) bool {
	t, ok := f.info.Types[e]
	if !ok || t.Value == nil || t.Value.String() == "0" {
		return false
	}
	named, ok := types.Unalias(t.Type).(*types.Named)
	return ok && named.Obj().Name() == "Errno"
}

// literal adds 1 to an integer.
func (f *finder) literal(l *ast.BasicLit) {
	t, ok := f.info.Types[l]
	if !ok || l.Kind != token.INT {
		return
	}
	b, ok := t.Type.Underlying().(*types.Basic)
	if !ok || b.Info()&types.IsInteger == 0 || b.Info()&types.IsUntyped != 0 {
		return
	}
	typ := types.TypeString(t.Type, func(p *types.Package) string {
		if p == f.pack.types {
			return ""
		}
		return p.Name()
	})
	text := fmt.Sprintf("mutantOn.Pick(%d, %s(%s+1), %s(%s))", *f.number+1, typ, l.Value, typ, l.Value)
	m := f.add("+1", l, edit{start: f.offset(l.Pos()), end: f.offset(l.End()), replace: func(func(int, int) string) string { return text }})
	if k := len(f.parents) - 1; k >= 0 {
		m.text += " in " + f.short(f.parents[k])
	}
}
