package main

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// In the old API one list could contain options for Listen and options for Dial. If a program has
// such a list, or passes an option to the wrong call, all its options get the type any. Two new
// functions make the list that a call needs. If an option does not belong to the call, the call
// still returns an error.

const helpers = `

// %[1]s makes the options of Listen and ListenPacket from a list that serves Dial too.
func %[1]s(opts ...any) []%[3]sListenOption { return %[1]sOf[%[3]sListenOption](opts) }

// %[2]s makes the options of Dial from a list that serves Listen too.
func %[2]s(opts ...any) []%[3]sDialOption { return %[1]sOf[%[3]sDialOption](opts) }

func %[1]sOf[T any](opts []any) []T {
	list := make([]T, len(opts))
	for i, o := range opts {
		if _, ok := o.(T); !ok {
			o = %[3]sWithLimits(-1, -1, -1) // not for this call, which returns an error
		}
		list[i] = o.(T)
	}
	return list
}
`

// fixed is the number of arguments before the options.
var fixed = map[string]int{"reactor.Reactor.Listen": 3, "reactor.Reactor.ListenPacket": 3, "reactor.Reactor.Dial": 3,
	"reactor.Group.Listen": 3, "reactor.Group.ListenPacket": 3}

// mix rewrites the options of a package that has a mixed list.
func (p *port) mix() {
	if !p.mixed {
		return
	}
	listen, dial := p.free("listenOptions"), p.free("dialOptions")
	needed := false
	for _, f := range p.files {
		called := map[ast.Expr]bool{}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if optionTypes[p.nameOf(n.Sel)] {
					p.edit(f, n.Pos(), n.End(), "any")
				}
				p.maker(f, n, n.Sel, called[n])
				called[n.Sel] = true
			case *ast.Ident: // from a dot import; the edit of a selector covers its own identifier
				if optionTypes[p.nameOf(n)] {
					p.edit(f, n.Pos(), n.End(), "any")
				}
				p.maker(f, n, n, called[n])
			case *ast.CallExpr:
				called[ast.Unparen(n.Fun)] = true
				id := lastName(n.Fun)
				if id == nil {
					return true
				}
				name := p.nameOf(id)
				at, ok := fixed[name]
				if !ok || len(n.Args) <= at {
					return true
				}
				make := listen
				if optionsFor(name) == "DialOption" {
					make = dial
				}
				if c, ok := n.Args[at].(*ast.CallExpr); ok && n.Ellipsis.IsValid() && p.isOwn(c.Fun, listen, dial) {
					return true // it was ported earlier
				}
				needed = true
				p.edit(f, n.Args[at].Pos(), n.Args[at].Pos(), make+"(")
				p.edit(f, n.Rparen, n.Rparen, ")...")
			}
			return true
		})
	}
	for _, f := range p.files {
		if name, ok := p.prefix(f, "reactor"); needed && ok {
			p.edit(f, f.tree.FileEnd, f.tree.FileEnd, fmt.Sprintf(helpers, listen, dial, name))
			return
		}
	}
}

// If a function that makes an option is used as a value, maker replaces it by a function with the
// result type any.
func (p *port) maker(f *file, e ast.Expr, id *ast.Ident, called bool) {
	fn, ok := p.info.Uses[id].(*types.Func)
	if called || !ok || !strings.HasPrefix(p.nameOf(id), "reactor.With") {
		return
	}
	sig := fn.Signature()
	if sig.Results().Len() != 1 || !strings.HasSuffix(types.TypeString(types.Unalias(sig.Results().At(0).Type()), nil), "/reactor.SocketOption") {
		return
	}
	var params, args []string
	for v := range sig.Params().Variables() {
		params = append(params, v.Name()+" "+types.TypeString(v.Type(), func(pkg *types.Package) string {
			if q, ok := p.prefix(f, pkg.Name()); ok {
				return strings.TrimSuffix(q, ".")
			}
			return pkg.Name()
		}))
		args = append(args, v.Name())
	}
	from := string(f.src[p.offset(f, e):p.end(f, e)])
	p.edit(f, e.Pos(), e.End(), fmt.Sprintf("func(%s) any { return %s(%s) }", strings.Join(params, ", "), from, strings.Join(args, ", ")))
}

func (p *port) isOwn(e ast.Expr, names ...string) bool {
	id, ok := e.(*ast.Ident)
	if !ok {
		return false
	}
	for _, n := range names {
		if id.Name == n {
			return p.pkg.Scope().Lookup(n) != nil
		}
	}
	return false
}

// free returns the name. If the package uses the name for something else, free returns a longer
// name.
func (p *port) free(name string) string {
	o := p.pkg.Scope().Lookup(name)
	if fn, ok := o.(*types.Func); o != nil && !(ok && fn.Signature().Variadic()) {
		return name + "Ported"
	}
	return name
}
