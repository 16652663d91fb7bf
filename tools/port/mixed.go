package main

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// In the old API one list could hold options for Listen and options for Dial. If a program has such
// a list, or gives an option to the wrong call, all its options become any. Two functions make the
// list that a call wants. An option that is not for the call stays an error.

const helpers = `

// %[1]s makes the options of Listen and ListenPacket from a list that serves Dial too.
func %[1]s(opts ...any) []%[3]s.ListenOption { return %[1]sOf[%[3]s.ListenOption](opts) }

// %[2]s makes the options of Dial from a list that serves Listen too.
func %[2]s(opts ...any) []%[3]s.DialOption { return %[1]sOf[%[3]s.DialOption](opts) }

func %[1]sOf[T any](opts []any) []T {
	list := make([]T, len(opts))
	for i, o := range opts {
		if _, ok := o.(T); !ok {
			o = %[3]s.WithLimits(-1, -1, -1) // not for this call, which returns an error
		}
		list[i] = o.(T)
	}
	return list
}
`

// fixed is the number of arguments before the options.
var fixed = map[string]int{"reactor.Reactor.Listen": 3, "reactor.Reactor.ListenPacket": 3, "reactor.Reactor.Dial": 3,
	"reactor.Group.Listen": 3, "reactor.Group.ListenPacket": 3}

// mix rewrites the options of a package with a mixed list.
func (p *port) mix() {
	if !p.mixed {
		return
	}
	listen, dial := p.free("listenOptions"), p.free("dialOptions")
	needed := false
	for _, f := range p.files {
		ast.Inspect(f.tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if optionTypes[p.nameOf(n.Sel)] {
					p.edit(f, n.Pos(), n.End(), "any")
				}
			case *ast.CallExpr:
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
					return true // it was ported before
				}
				needed = true
				p.edit(f, n.Args[at].Pos(), n.Args[at].Pos(), make+"(")
				p.edit(f, n.Rparen, n.Rparen, ")...")
			}
			return true
		})
	}
	for _, f := range p.files {
		if name := p.qualified(f, "reactor", "", ""); needed && name != "" {
			p.edit(f, f.tree.FileEnd, f.tree.FileEnd, fmt.Sprintf(helpers, listen, dial, strings.TrimSuffix(name, ".")))
			return
		}
	}
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

// free is the name, or a longer one if the package has something else of this name.
func (p *port) free(name string) string {
	o := p.pkg.Scope().Lookup(name)
	if fn, ok := o.(*types.Func); o != nil && !(ok && fn.Signature().Variadic()) {
		return name + "Ported"
	}
	return name
}
