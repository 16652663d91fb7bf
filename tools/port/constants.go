package main

import (
	"go/ast"
	"go/token"
	"go/types"
)

// In v0.1.0 the constants In, Out and Pri are untyped. Where the program gives such a constant no
// type, it would become an int.

// constants gives the type Interest to constants in node n, at places where an int is also
// possible. Such places are a variable without a type, an interface, a type parameter, and the
// operand of a method.
func (p *port) constants(f *file, n ast.Node) {
	typed := func(t types.Type, list ...ast.Expr) {
		if t == nil {
			return
		}
		if _, param := t.(*types.TypeParam); !param && !types.IsInterface(t) {
			return
		}
		for _, e := range list {
			p.typed(f, e)
		}
	}
	switch n := n.(type) {
	case *ast.AssignStmt:
		for i, e := range n.Rhs {
			switch {
			case n.Tok == token.DEFINE:
				p.typed(f, e)
			case len(n.Lhs) == len(n.Rhs):
				typed(p.info.TypeOf(n.Lhs[i]), e)
			}
		}
	case *ast.GenDecl: // a constant may stay untyped
		for _, s := range n.Specs {
			if v, ok := s.(*ast.ValueSpec); ok && n.Tok == token.VAR {
				for _, e := range v.Values {
					if v.Type == nil {
						p.typed(f, e)
					} else {
						typed(p.info.TypeOf(v.Type), e)
					}
				}
			}
		}
	case *ast.CallExpr:
		for i, e := range n.Args {
			typed(p.param(n, i), e)
		}
	case *ast.CompositeLit:
		for i, e := range n.Elts {
			p.element(p.info.TypeOf(n), i, e, typed)
		}
	case *ast.FuncDecl:
		if n.Body != nil {
			p.results(n.Body, n.Type, typed)
		}
	case *ast.FuncLit:
		p.results(n.Body, n.Type, typed)
	case *ast.SelectorExpr: // a method
		p.typed(f, n.X)
	case *ast.SendStmt:
		if c, ok := under(p.info.TypeOf(n.Chan)).(*types.Chan); ok {
			typed(c.Elem(), n.Value)
		}
	case *ast.BinaryExpr:
		typed(p.info.TypeOf(n.X), n.Y)
		typed(p.info.TypeOf(n.Y), n.X)
	}
}

func under(t types.Type) types.Type {
	if t == nil {
		return nil
	}
	return t.Underlying()
}

// param returns the type of the parameter for argument i of a call, or nil if the type is not
// known.
func (p *port) param(c *ast.CallExpr, i int) types.Type {
	if p.info.Types[c.Fun].IsType() { // a conversion
		return p.info.TypeOf(c.Fun)
	}
	if id, ok := c.Fun.(*ast.Ident); ok && id.Name == "append" && i > 0 {
		if s, ok := under(p.info.TypeOf(c.Args[0])).(*types.Slice); ok {
			return s.Elem()
		}
	}
	sig, _ := under(p.info.TypeOf(c.Fun)).(*types.Signature)
	if fn, ok := p.object(c.Fun).(*types.Func); ok {
		sig = fn.Origin().Signature()
	}
	if sig == nil || sig.Params().Len() == 0 {
		return nil
	}
	last := sig.Params().Len() - 1
	if !sig.Variadic() || i < last {
		return sig.Params().At(min(i, last)).Type()
	}
	if s, ok := sig.Params().At(last).Type().(*types.Slice); ok && !c.Ellipsis.IsValid() {
		return s.Elem()
	}
	return nil
}

// element calls typed with an element of a literal and the type that the literal requires.
func (p *port) element(lit types.Type, i int, e ast.Expr, typed func(types.Type, ...ast.Expr)) {
	kv, keyed := e.(*ast.KeyValueExpr)
	if keyed {
		e = kv.Value
	}
	switch t := under(lit).(type) {
	case *types.Slice:
		typed(t.Elem(), e)
	case *types.Array:
		typed(t.Elem(), e)
	case *types.Map:
		typed(t.Elem(), e)
		if keyed {
			typed(t.Key(), kv.Key)
		}
	case *types.Struct:
		if keyed {
			if id, ok := kv.Key.(*ast.Ident); ok && p.info.Uses[id] != nil {
				typed(p.info.Uses[id].Type(), e)
			}
		} else if i < t.NumFields() {
			typed(t.Field(i).Type(), e)
		}
	}
}

// results calls typed with the values that a function returns and the function's result types.
func (p *port) results(body *ast.BlockStmt, t *ast.FuncType, typed func(types.Type, ...ast.Expr)) {
	var list []types.Type
	if t.Results != nil {
		for _, field := range t.Results.List {
			for range max(len(field.Names), 1) {
				list = append(list, p.info.TypeOf(field.Type))
			}
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) == len(list) {
			for i, e := range r.Results {
				typed(list[i], e)
			}
		}
		_, lit := n.(*ast.FuncLit)
		return !lit
	})
}

// typed converts e to Interest if e is a constant that has lost this type.
func (p *port) typed(f *file, e ast.Expr) {
	if !p.untyped(e) {
		return
	}
	if pkg, ok := p.prefix(f, "poller"); ok {
		p.edit(f, e.Pos(), e.Pos(), pkg+"Interest(")
		p.edit(f, e.End(), e.End(), ")")
	}
}

// untyped returns whether e is a constant that had the type Interest and has no type in v0.1.0.
func (p *port) untyped(e ast.Expr) bool {
	tv := p.info.Types[e]
	if tv.Value == nil || types.TypeString(tv.Type, nil) != module+"/poller.Interest" {
		return false
	}
	yes, still := false, false
	ast.Inspect(e, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		switch p.nameOf(id) {
		case "poller.In", "poller.Out", "poller.Pri":
			yes = true
		case "poller.Edge", "poller.Err", "poller.Hup", "poller.End", "poller.Interest":
			still = true
		default: // a constant of the program
			if c, ok := p.info.Uses[id].(*types.Const); ok && p.types[c] != nil && p.types[c] != e {
				yes = p.untyped(p.types[c]) || yes
				still = still || !p.untyped(p.types[c])
			}
		}
		return true
	})
	return yes && !still
}
