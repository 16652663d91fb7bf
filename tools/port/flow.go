package main

import (
	"go/ast"
	"go/types"
	"strings"
)

// Two types of the old API have become several types. The type of an option names the call to which
// it belongs. The reports of a Poller have their own type. This file follows values to find the new
// type of a declaration.

// declarations notes for each object the expression that declares its type.
func (p *port) declarations(tree *ast.File) {
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, id := range n.Names {
				p.types[p.info.Defs[id]] = n.Type
			}
		case *ast.ValueSpec:
			for i, id := range n.Names {
				if n.Type != nil {
					p.types[p.info.Defs[id]] = n.Type
				} else if i < len(n.Values) {
					p.types[p.info.Defs[id]] = n.Values[i]
				}
			}
		case *ast.TypeSpec:
			p.types[p.info.Defs[n.Name]] = n.Type
		case *ast.FuncDecl:
			if r := n.Type.Results; r != nil && len(r.List) > 0 {
				p.types[p.info.Defs[n.Name]] = r.List[0].Type
			}
		case *ast.AssignStmt:
			for i, l := range n.Lhs {
				if id, ok := l.(*ast.Ident); ok && p.info.Defs[id] != nil && len(n.Lhs) == len(n.Rhs) {
					p.types[p.info.Defs[id]] = n.Rhs[i]
				}
			}
		}
		return true
	})
}

// object returns the variable, field or function that e reads or sets.
func (p *port) object(e ast.Expr) types.Object {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if o := p.info.Uses[e]; o != nil {
			return o
		}
		return p.info.Defs[e]
	case *ast.SelectorExpr:
		return p.info.Uses[e.Sel]
	case *ast.CallExpr:
		if id, ok := e.Fun.(*ast.Ident); ok && id.Name == "append" && len(e.Args) > 0 {
			return p.object(e.Args[0])
		}
		return p.object(e.Fun)
	case *ast.IndexExpr:
		return p.object(e.X)
	case *ast.SliceExpr:
		return p.object(e.X)
	case *ast.UnaryExpr:
		return p.object(e.X)
	}
	return nil
}

var optionTypes = map[string]bool{"reactor.SocketOption": true, "reactor.ListenOption": true, "reactor.DialOption": true}

// optionsFor returns the new type for the options of a call, or "" if the call takes no options.
func optionsFor(name string) string {
	switch name {
	case "reactor.Reactor.Listen", "reactor.Reactor.ListenPacket", "reactor.Group.Listen", "reactor.Group.ListenPacket",
		"reactor.WithAccepts", "reactor.WithBacklog", "reactor.WithBalance", "reactor.WithInherited", "reactor.WithMaxConns", "reactor.WithReusePort":
		return "ListenOption"
	case "reactor.Reactor.Dial", "reactor.WithDialTimeout":
		return "DialOption"
	}
	return ""
}

// options replaces the type SocketOption by the type that the values need.
func (p *port) options() {
	for again := true; again; {
		again = false
		for _, f := range p.files {
			ast.Inspect(f.tree, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if n.Ellipsis.IsValid() { // a list for a call, or for a function of the program
						last := n.Args[len(n.Args)-1]
						to := optionsFor(p.nameOf(lastName(n.Fun)))
						if to == "" {
							to = p.wanted(p.lastParam(n.Fun))
						}
						again = p.want(p.typeOf(last), to) || again
					}
				case *ast.FuncDecl: // an option that a function returns is used for a call
					if t := p.types[p.info.Defs[n.Name]]; t != nil && n.Body != nil {
						again = p.returned(n.Body, t) || again
					}
				case *ast.CompositeLit:
					for i, e := range n.Elts {
						t := n.Type
						if st, ok := p.structOf(n); ok && i < st.NumFields() {
							t = p.types[st.Field(i)]
						}
						if kv, ok := e.(*ast.KeyValueExpr); ok {
							if id, ok := kv.Key.(*ast.Ident); ok && p.info.Uses[id] != nil && p.types[p.info.Uses[id]] != nil {
								t = p.types[p.info.Uses[id]]
							}
							e = kv.Value
						}
						if c, ok := e.(*ast.CallExpr); ok {
							again = p.want(t, optionsFor(p.nameOf(lastName(c.Fun)))) || again
						}
					}
				}
				return true
			})
		}
	}
	if p.mixed {
		return // mix gives all of them one type
	}
	for e, to := range p.wants {
		if s, ok := e.(*ast.SelectorExpr); ok && s.Sel.Name != to {
			p.edit(p.fileOf(e.Pos()), s.Sel.Pos(), s.Sel.End(), to)
		}
	}
}

func (p *port) structOf(e ast.Expr) (*types.Struct, bool) {
	t := p.info.Types[e].Type
	if t == nil {
		return nil, false
	}
	st, ok := t.Underlying().(*types.Struct)
	return st, ok
}

func (p *port) returned(body ast.Node, t ast.Expr) (new bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) > 0 {
			if c, ok := r.Results[0].(*ast.CallExpr); ok {
				new = p.want(t, optionsFor(p.nameOf(lastName(c.Fun)))) || new
			}
		}
		return true
	})
	return new
}

func lastName(e ast.Expr) *ast.Ident {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return e.Sel
	}
	return nil
}

func (p *port) typeOf(e ast.Expr) ast.Expr {
	if c, ok := ast.Unparen(e).(*ast.CompositeLit); ok {
		return c.Type
	}
	return p.types[p.object(e)]
}

// lastParam returns the expression for the type of a function's last parameter.
func (p *port) lastParam(fun ast.Expr) ast.Expr {
	id := lastName(fun)
	if id == nil {
		return nil
	}
	if fn, ok := p.info.Uses[id].(*types.Func); ok {
		if params := fn.Signature().Params(); params.Len() > 0 {
			return p.types[params.At(params.Len()-1)]
		}
	}
	return nil
}

// named returns the name of the option type in an expression. It looks through lists and through
// aliases in the program.
func (p *port) named(e ast.Expr) *ast.SelectorExpr {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		if optionTypes["reactor."+e.Sel.Name] && strings.HasPrefix(p.nameOf(e.Sel), "reactor.") {
			return e
		}
	case *ast.Ident:
		if o := p.info.Uses[e]; o != nil && p.types[o] != e {
			if _, ok := o.(*types.TypeName); ok {
				return p.named(p.types[o])
			}
		}
	case *ast.Ellipsis:
		return p.named(e.Elt)
	case *ast.ArrayType:
		return p.named(e.Elt)
	case *ast.CompositeLit:
		return p.named(e.Type)
	case *ast.MapType:
		return p.named(e.Value)
	case *ast.CallExpr:
		if o := p.object(e); o != nil && p.types[o] != e {
			return p.named(p.types[o])
		}
	}
	return nil
}

func (p *port) wanted(e ast.Expr) string {
	if s := p.named(e); s != nil {
		return p.wants[s]
	}
	return ""
}

func (p *port) want(e ast.Expr, to string) (new bool) {
	s := p.named(e)
	if s == nil || to == "" || p.wants[s] == to {
		return false
	}
	if p.wants[s] != "" { // it is used for Listen and for Dial
		p.mixed = true
		return false
	}
	p.wants[s] = to
	return true
}
