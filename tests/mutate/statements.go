package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// statements makes a mutant for each statement of a list that can be dropped.
func (f *finder) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			if call, ok := s.X.(*ast.CallExpr); ok && !f.lock(s, call) && !f.panics(call) {
				f.drop(s)
			}
		case *ast.DeferStmt:
			if !f.lock(s, s.Call) {
				f.drop(s)
			}
		case *ast.AssignStmt:
			if s.Tok != token.DEFINE && !blank(s) {
				f.drop(s)
			}
		case *ast.IncDecStmt, *ast.SendStmt, *ast.GoStmt:
			f.drop(s)
		}
	}
}

func (f *finder) drop(s ast.Stmt) {
	f.add("drop", s, f.wrap(s, "if !"+f.is()+" { ", " }"))
}

// blank returns whether an assignment has only blank identifiers on its left side.
func blank(s *ast.AssignStmt) bool {
	for _, e := range s.Lhs {
		if id, ok := e.(*ast.Ident); !ok || id.Name != "_" {
			return false
		}
	}
	return true
}

// panics returns whether a call is a call of panic. Such a call may be the required end of a
// function with results, so it is not dropped.
func (f *finder) panics(c *ast.CallExpr) bool {
	id, ok := c.Fun.(*ast.Ident)
	return ok && id.Name == "panic"
}

var lockers = []string{"Lock", "Unlock", "RLock", "RUnlock", "lock", "unlock"}

// lock puts all calls of a function that lock and unlock the same object into one mutant. It
// returns whether c is such a call.
func (f *finder) lock(s ast.Stmt, c *ast.CallExpr) bool {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains(lockers, sel.Sel.Name) || len(c.Args) > 0 {
		return false
	}
	what := f.source(sel.X)
	m := f.locks[what]
	if m == nil {
		m = f.add("drop lock", sel.X)
		f.locks[what] = m
	}
	m.extend(f.wrap(s, fmt.Sprintf("if !mutantOn.Is(%d) { ", m.number), " }"))
	return true
}

// swap makes mutants that exchange two neighbouring arguments of the same type.
func (f *finder) swap(c *ast.CallExpr) {
	if c.Ellipsis.IsValid() {
		return
	}
	if id, ok := c.Fun.(*ast.Ident); ok && (id.Name == "min" || id.Name == "max") {
		return
	}
	for i := 0; i+1 < len(c.Args); i++ {
		a, b := c.Args[i], c.Args[i+1]
		if !f.plain(a) || !f.plain(b) || f.source(a) == f.source(b) || !types.Identical(f.info.TypeOf(a), f.info.TypeOf(b)) {
			continue
		}
		n := *f.number + 1
		f.add("swap", c, f.pick(n, a, b), f.pick(n, b, a))
	}
}

func (f *finder) pick(number int, n, other ast.Node) edit {
	text := fmt.Sprintf("mutantOn.Pick(%d, %s, %s)", number, f.source(other), f.source(n))
	return edit{start: f.offset(n.Pos()), end: f.offset(n.End()), replace: func(func(int, int) string) string { return text }}
}

// plain returns whether an argument can be evaluated twice without a side effect.
func (f *finder) plain(e ast.Expr) bool {
	t, ok := f.info.Types[e]
	if !ok || t.Value != nil || !t.IsValue() || t.IsNil() {
		return false
	}
	switch e := e.(type) {
	case *ast.Ident:
		return true
	case *ast.SelectorExpr:
		_, ok := e.X.(*ast.Ident)
		return ok
	}
	return false
}
