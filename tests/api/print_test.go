package api

import (
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// A printer writes the lines of one package in the format of Go's own api/*.txt. Each line is one
// fact: a method or an exported field, for example. Parameters have no names.
type printer struct {
	pkg   *types.Package
	lines []string
}

func linesOf(pkg *types.Package) []string {
	p := &printer{pkg: pkg}
	for _, name := range pkg.Scope().Names() {
		if o := pkg.Scope().Lookup(name); o.Exported() {
			p.object(o)
		}
	}
	return p.lines
}

func (p *printer) line(format string, args ...any) {
	p.lines = append(p.lines, "pkg "+p.pkg.Path()+", "+fmt.Sprintf(format, args...))
}

func (p *printer) object(o types.Object) {
	switch o := o.(type) {
	case *types.Const:
		p.line("const %s %s", o.Name(), p.text(o.Type()))
		p.line("const %s = %s", o.Name(), o.Val().ExactString())
	case *types.Var:
		p.line("var %s %s", o.Name(), p.text(o.Type()))
	case *types.Func:
		p.line("func %s%s", o.Name(), p.signature(o))
	case *types.TypeName:
		p.typeName(o)
	}
}

// typeName writes the lines of a type. If the type is an alias for a type that users cannot see
// otherwise, typeName also lists its members.
func (p *printer) typeName(o *types.TypeName) {
	t, name := o.Type(), o.Name()
	if o.IsAlias() {
		t = types.Unalias(t)
		p.line("type %s = %s", name, p.text(t))
		if n, ok := t.(*types.Named); !ok || !strings.Contains(n.Obj().Pkg().Path(), "/internal/") {
			return
		}
	}
	shown := name
	if n, ok := t.(*types.Named); ok && n.TypeParams().Len() > 0 {
		shown = p.text(t)
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		p.line("type %s struct", shown)
		for f := range u.Fields() {
			switch {
			case f.Embedded() && f.Exported():
				p.line("type %s struct, embedded %s", name, p.text(f.Type()))
			case f.Exported():
				p.line("type %s struct, %s %s", name, f.Name(), p.text(f.Type()))
			}
		}
		p.methods(name, t)
	case *types.Interface:
		p.iface(shown, name, u)
	default:
		if !o.IsAlias() {
			p.line("type %s %s", shown, p.text(u))
		}
		p.methods(name, t)
	}
}

// methods lists the methods of t and *t, including the promoted ones.
func (p *printer) methods(name string, t types.Type) {
	values := types.NewMethodSet(t)
	for m := range types.NewMethodSet(types.NewPointer(t)).Methods() {
		if !m.Obj().Exported() {
			continue
		}
		star := "*"
		if values.Lookup(m.Obj().Pkg(), m.Obj().Name()) != nil {
			star = ""
		}
		p.line("method (%s%s) %s%s", star, name, m.Obj().Name(), p.signature(m.Obj()))
	}
}

func (p *printer) iface(shown, name string, u *types.Interface) {
	var names []string
	closed := false // true if only this module can implement it
	for m := range u.Methods() {
		if !m.Exported() {
			closed = true
			continue
		}
		names = append(names, m.Name())
		p.line("type %s interface, %s%s", name, m.Name(), p.signature(m))
	}
	slices.Sort(names)
	if closed {
		names = append(names, "unexported methods")
	}
	p.line("type %s interface { %s }", shown, strings.Join(names, ", "))
}

func (p *printer) signature(o types.Object) string {
	return strings.TrimPrefix(p.text(nameless(o.Type().(*types.Signature))), "func")
}

// nameless removes the names of parameters and results, because renaming them breaks no program.
func nameless(s *types.Signature) *types.Signature {
	var params []*types.TypeParam
	for t := range s.TypeParams().TypeParams() {
		params = append(params, types.NewTypeParam(types.NewTypeName(0, nil, t.Obj().Name(), nil), t.Constraint()))
	}
	bare := func(t *types.Tuple) *types.Tuple {
		var vars []*types.Var
		for v := range t.Variables() {
			vt := v.Type()
			if f, ok := vt.(*types.Signature); ok {
				vt = nameless(f)
			}
			vars = append(vars, types.NewParam(0, nil, "", vt))
		}
		return types.NewTuple(vars...)
	}
	return types.NewSignatureType(nil, nil, params, bare(s.Params()), bare(s.Results()), s.Variadic())
}

// text returns a type as users write it, but without the name of the package itself.
func (p *printer) text(t types.Type) string {
	if f, ok := t.(*types.Signature); ok {
		t = nameless(f)
	}
	return types.TypeString(t, func(other *types.Package) string {
		if other == p.pkg {
			return ""
		}
		return other.Name()
	})
}
