package main

import (
	"go/ast"
	"go/types"
	"strings"
)

// readiness gives the reports of a Poller their own type. It starts at the callback of Watch,
// Event.Ready and Kernel.Ready, and follows their values.
func (p *port) readiness() {
	var reported []ast.Expr
	for _, f := range p.files {
		ast.Inspect(f.tree, func(n ast.Node) bool {
			p.constants(f, n)
			if t, ok := n.(*ast.FuncType); ok && p.isReady(t) { // the program has its own Kernel
				r := t.Results.List[0]
				reported = append(reported, r.Type)
				for _, id := range r.Names {
					p.news[p.info.Defs[id]] = true
				}
			}
			if t, ok := n.(*ast.FuncType); ok && t.Results == nil && len(t.Params.List) == 1 && p.isInterest(t.Params.List[0].Type) {
				reported = append(reported, t.Params.List[0].Type)
				for _, id := range t.Params.List[0].Names {
					p.news[p.info.Defs[id]] = true
				}
			}
			return true
		})
	}
	for again := true; again; {
		again = false
		for _, f := range p.files {
			ast.Inspect(f.tree, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.AssignStmt:
					for i, l := range n.Lhs {
						if len(n.Lhs) == len(n.Rhs) && p.reports(n.Rhs[i]) || len(n.Rhs) == 1 && i == 0 && p.reports(n.Rhs[0]) {
							again = p.learn(p.object(l)) || again
						}
					}
				case *ast.SendStmt:
					if p.reports(n.Value) {
						again = p.learn(p.object(n.Chan)) || again
					}
				case *ast.CallExpr:
					fn, ok := p.object(n.Fun).(*types.Func)
					for i, a := range n.Args {
						if ok && i < fn.Signature().Params().Len() && !asks[fn.Name()] && p.reports(a) {
							again = p.learn(fn.Signature().Params().At(i)) || again
						}
					}
				}
				return true
			})
		}
	}
	for o := range p.news {
		if e := p.types[o]; e != nil {
			reported = append(reported, e)
		}
	}
	done := map[ast.Node]bool{}
	for _, e := range reported {
		ast.Inspect(e, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && p.isInterest(s) && !done[s] {
				done[s] = true
				p.edit(p.fileOf(s.Pos()), s.Sel.Pos(), s.Sel.End(), "Readiness")
			}
			return true
		})
	}
}

// asks has the names of methods that take an Interest. A Poller, a Watch, and types of the program
// may have them.
var asks = map[string]bool{"Add": true, "Mod": true, "Want": true}

// isReady returns whether t is the type of Kernel.Ready: func(fd int) (poller.Interest,
// syscall.Errno).
func (p *port) isReady(t *ast.FuncType) bool {
	if t.Results == nil || len(t.Results.List) != 2 || len(t.Params.List) != 1 || !p.isInterest(t.Results.List[0].Type) {
		return false
	}
	second := p.info.Types[t.Results.List[1].Type].Type
	return second != nil && types.TypeString(second, nil) == "syscall.Errno"
}

func (p *port) isInterest(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && p.nameOf(s.Sel) == "poller.Interest"
}

// learn notes that o contains a report, if o is a variable of the program with a suitable type. It
// returns whether this is new.
func (p *port) learn(o types.Object) bool {
	if o == nil || p.news[o] || o.Pkg() != p.pkg || !strings.Contains(types.TypeString(o.Type(), nil), "poller.Interest") {
		return false
	}
	p.news[o] = true
	return true
}

// reports returns whether a value comes from a report of a Poller.
func (p *port) reports(e ast.Expr) (yes bool) {
	tv, ok := p.info.Types[e]
	if !ok || tv.Type == nil || !strings.Contains(types.TypeString(tv.Type, nil), "poller.Interest") {
		return false
	}
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if p.info.Types[n.Fun].IsType() { // a conversion has its own type
				return false
			}
		case *ast.Ident:
			o := p.info.Uses[n]
			name := p.nameOf(n)
			if o != nil && p.news[o] || name == "sim.Host.Ready" || name == "kernel.Kernel.Ready" ||
				name == "poller.Ready" || name == "poller.Err" || name == "poller.Hup" || name == "poller.End" {
				yes = true
			}
		}
		return true
	})
	return yes
}
