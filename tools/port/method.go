package main

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// ours are the types whose methods change, with the paths of their packages.
var ours = []struct{ path, name string }{
	{"/socket", "Socket"}, {"/socket", "SSLSocket"}, {"/select", "Poll"}, {"/reactor", "Conn"},
}

// interfaces changes the program's interfaces if one of our types implements them. The methods of
// such an interface change like the methods of our type.
func (p *port) interfaces(f *file) {
	ast.Inspect(f.tree, func(n ast.Node) bool {
		t, ok := n.(*ast.InterfaceType)
		if !ok {
			return true
		}
		iface, ok := p.info.Types[t].Type.(*types.Interface)
		if !ok || iface.NumMethods() == 0 {
			return true
		}
		for _, our := range ours {
			pkg := p.w.known[module+our.path]
			if pkg == nil || pkg.Scope().Lookup(our.name) == nil || !has(types.NewPointer(pkg.Scope().Lookup(our.name).Type()), iface) {
				continue
			}
			for _, m := range t.Methods.List {
				if fn, ok := m.Type.(*ast.FuncType); ok && len(m.Names) == 1 {
					p.method(f, m.Names[0], fn, pkg.Name()+"."+our.name+"."+m.Names[0].Name)
				}
			}
			break
		}
		return true
	})
}

// has returns whether t implements iface. It accepts a type parameter of the interface as a result
// type.
func has(t types.Type, iface *types.Interface) bool {
	if types.Implements(t, iface) {
		return true
	}
	methods := types.NewMethodSet(t)
	for want := range iface.Methods() {
		m := methods.Lookup(want.Pkg(), want.Name())
		if m == nil {
			return false
		}
		got, want := m.Type().(*types.Signature), want.Signature()
		if !types.Identical(got.Params(), want.Params()) || got.Variadic() != want.Variadic() || got.Results().Len() != want.Results().Len() {
			return false
		}
		for i := range got.Results().Len() {
			w := want.Results().At(i).Type()
			if _, free := w.(*types.TypeParam); !free && !types.Identical(got.Results().At(i).Type(), w) {
				return false
			}
		}
	}
	return true
}

// method changes the declaration of one method in an interface.
func (p *port) method(f *file, id *ast.Ident, fn *ast.FuncType, name string) {
	src := func(from, to int) string { return string(f.src[from:to]) }
	at := func(n ast.Node) (from, to int) {
		base := p.w.fset.File(f.tree.Pos()).Base()
		return int(n.Pos()) - base, int(n.End()) - base
	}
	to, again := renamed[name]
	r, two := second[name]
	if !again && !two && name != "socket.Socket.Listen" && name != "socket.Socket.MakeFile" && name != "sel.Poll.Register" {
		return
	}
	p.as[p.info.Defs[id]] = name
	if again {
		p.edit(f, id.Pos(), id.End(), to)
		return
	}
	list := fn.Params.List
	last := list[len(list)-1]
	dots, ok := last.Type.(*ast.Ellipsis)
	if !ok {
		return
	}
	switch {
	case two:
		from, end := at(fn)
		p.edit(f, fn.End(), fn.End(), "\n"+r.name+strings.Replace(src(from, end), "...", "", 1))
		fallthrough
	case name == "socket.Socket.MakeFile":
		if len(list) == 1 {
			p.edit(f, last.Pos(), last.End(), "")
		} else {
			p.edit(f, list[len(list)-2].End(), last.End(), "")
		}
	default:
		p.edit(f, dots.Pos(), dots.Elt.Pos(), "")
	}
}

// If a method or function is used as a value, the method value replaces it by a function with the
// old type.
func (p *port) value(f *file, s *ast.SelectorExpr, name string) {
	if name == "socket.Tuple" {
		p.edit(f, s.Pos(), s.End(), p.tuple(f))
		return
	}
	fn, ok := p.info.Uses[s.Sel].(*types.Func)
	if !ok || fn.Signature().Recv() == nil {
		p.report(s.Pos(), "%s is used as a value: it has no optional argument any more", name)
		return
	}
	missing, method := "0", s.Sel.Name
	switch {
	case second[name].name != "":
		missing, method = second[name].missing, second[name].name
	case name == "socket.Socket.Listen":
		missing = p.qualified(f, "socket", "DefaultBacklog", "128")
	case name == "sel.Poll.Register":
		missing = p.qualified(f, "sel", "POLLIN", "1") + "|" + p.qualified(f, "sel", "POLLOUT", "4")
	}
	known := true
	qualifier := func(pkg *types.Package) string {
		q := p.qualified(f, pkg.Name(), "", "")
		known = known && q != ""
		return strings.TrimSuffix(q, ".")
	}
	sig := types.TypeString(fn.Signature(), qualifier)
	object := string(f.src[p.offset(f, s.X):p.end(f, s.X)])
	if p.info.Types[s.X].IsType() { // a method expression
		sig = "func(object " + strings.Trim(object, "()") + ", " + strings.TrimPrefix(sig, "func(")
		object = "object"
	}
	if !known {
		p.report(s.Pos(), "%s is used as a value: it has no optional argument any more", name)
		return
	}
	var args []string
	params := fn.Signature().Params()
	for i := range params.Len() - 1 {
		args = append(args, params.At(i).Name())
	}
	if name != "socket.Socket.MakeFile" {
		list := params.At(params.Len() - 1).Name()
		before, after := p.one(f, name, missing)
		args = append(args, before+list+after)
	}
	p.edit(f, s.Pos(), s.End(), fmt.Sprintf("%s { return %s.%s(%s) }", sig, object, method, strings.Join(args, ", ")))
}

func (p *port) offset(f *file, n ast.Node) int {
	return int(n.Pos()) - p.w.fset.File(f.tree.Pos()).Base()
}
func (p *port) end(f *file, n ast.Node) int { return int(n.End()) - p.w.fset.File(f.tree.Pos()).Base() }
