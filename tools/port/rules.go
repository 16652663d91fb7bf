package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"strings"
)

// renamed are methods of which only the name changes.
var renamed = map[string]string{
	"reactor.Conn.SetReadDeadline":     "SetReadTimeout",
	"reactor.Conn.SetWriteDeadline":    "SetWriteTimeout",
	"reactor.Conn.SetKeepAlive":        "SetKeepAlivePeriod",
	"reactor.Listener.Abort":           "Close",
	"reactor.Wire.Open":                "CanDeliver",
	"reactor.Wire.Room":                "Scratch",
	"netconn.Listener.SetReadDeadline": "SetDeadline",
	"netconn.Listener.LocalAddr":       "Addr",
}

// second are methods with an optional argument. In the new API a second method has this argument.
var second = map[string]struct {
	name    string
	needs   int    // number of required arguments
	missing string // the argument that stands for none
}{
	"socket.Socket.Recv":         {"RecvFlags", 1, "0"},
	"socket.Socket.RecvFrom":     {"RecvFromFlags", 1, "0"},
	"socket.Socket.RecvInto":     {"RecvIntoFlags", 1, "0"},
	"socket.Socket.RecvFromInto": {"RecvFromIntoFlags", 1, "0"},
	"socket.Socket.ReadLine":     {"ReadLineMax", 0, "-1"},
	"socket.SSLSocket.ReadLine":  {"ReadLineMax", 0, "-1"},
}

// removed are the names that have no successor, with the reasons.
var removed = map[string]string{
	"reactor.Reactor.Waiter":            "is internal",
	"socket.Socket.Desc":                "is internal",
	"sel.Poll.Desc":                     "is internal; register the Poll itself",
	"socket.SSLSocket.Notify":           "is internal; register the SSLSocket with a Poll",
	"socket.SSLSocket.Subscribe":        "is internal; register the SSLSocket with a Poll",
	"socket.SSLSocket.PollReady":        "is internal; use a Poll",
	"netconn.Listener.SetReadBuffer":    "a listener has no buffer of its own; use SyscallConn",
	"netconn.Listener.SetWriteBuffer":   "a listener has no buffer of its own; use SyscallConn",
	"netconn.Listener.SetWriteDeadline": "a listener writes nothing: delete the call",
	"poller.Table":                      "is internal",
	"poller.Now":                        "is internal; use Reactor.Now",
	"timeout.Queue":                     "is internal; use Reactor.After",
	"timeout.Timer":                     "is internal; use reactor.Timer",
}

// A port has the state for one package while it is ported.
type port struct {
	w     *world
	files []*file
	info  *types.Info
	pkg   *types.Package

	// types has the expression that declares an object's type.
	types map[types.Object]ast.Expr
	// news has the objects that contain a report.
	news map[types.Object]bool
	// wants has the new name of an option type.
	wants map[ast.Expr]string
	// as has the methods of the program's interfaces that are methods of our types, with their names.
	as map[types.Object]string
	// mixed means that one list has options for Listen and for Dial.
	mixed bool
}

// port finds the edits of one package's files. If mixed is set, all options get the type any.
func (w *world) port(at string, files []*file, mixed bool) {
	p := &port{w: w, files: files, types: map[types.Object]ast.Expr{}, news: map[types.Object]bool{},
		wants: map[ast.Expr]string{}, as: map[types.Object]string{}, mixed: mixed}
	p.pkg, p.info = w.check(at, files)
	for _, f := range files {
		p.declarations(f.tree)
	}
	for _, f := range files {
		p.interfaces(f)
	}
	for _, f := range files {
		called := map[ast.Expr]bool{}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				called[ast.Unparen(n.Fun)] = true
				p.call(f, n)
			case *ast.SelectorExpr:
				p.selector(f, n, called[n])
				called[n.Sel] = true
			case *ast.Ident: // from a dot import
				if p.nameOf(n) == "socket.Tuple" && !called[n] {
					p.edit(f, n.Pos(), n.End(), p.tuple(f))
				}
			case *ast.BasicLit:
				p.program(f, n)
			}
			return true
		})
	}
	p.options()
	p.mix()
	p.readiness()
}

// program ports a program that is in a raw string.
func (p *port) program(f *file, lit *ast.BasicLit) {
	text := strings.Trim(lit.Value, "`")
	if lit.Kind != token.STRING || lit.Value[0] != '`' || !strings.Contains(text, module) {
		return
	}
	inner, err := p.w.parse(p.where(lit.Pos()), []byte(text))
	if err != nil {
		return
	}
	p.w.portFiles("program", []*file{inner})
	if out := inner.apply(); string(out) != text {
		p.edit(f, lit.Pos(), lit.End(), "`"+string(out)+"`")
	}
}

// selector renames a method that is called or used as a value. It reports a name that was removed.
func (p *port) selector(f *file, s *ast.SelectorExpr, called bool) {
	name := p.nameOf(s.Sel)
	if to := renamed[name]; to != "" {
		p.edit(f, s.Sel.Pos(), s.Sel.End(), to)
	}
	if why := removed[name]; why != "" {
		p.report(s.Pos(), "%s: %s", name, why)
	}
	if !called {
		switch _, ok := second[name]; {
		case ok, name == "socket.Socket.Listen", name == "socket.Socket.MakeFile", name == "sel.Poll.Register", name == "socket.Tuple":
			p.value(f, s, name)
		}
	}
}

// call rewrites the arguments that were optional.
func (p *port) call(f *file, c *ast.CallExpr) {
	s, ok := ast.Unparen(c.Fun).(*ast.SelectorExpr)
	var id *ast.Ident
	if ok {
		id = s.Sel
	} else if id, ok = ast.Unparen(c.Fun).(*ast.Ident); !ok {
		return
	}
	name := p.nameOf(id)
	n := len(c.Args)
	if p.extra(f, c, s, name) {
		return
	}
	if r, ok := second[name]; ok && n > r.needs {
		p.edit(f, id.Pos(), id.End(), r.name)
		for i := r.needs + 1; i < n; i++ { // several flags were combined with or
			p.edit(f, c.Args[i-1].End(), c.Args[i].Pos(), " | ")
		}
		p.unspread(f, c, name, r.missing)
		return
	}
	switch name {
	case "socket.Socket.Listen":
		if n == 0 {
			p.edit(f, c.Rparen, c.Rparen, p.qualified(f, "socket", "DefaultBacklog", "128"))
		}
		p.unspread(f, c, name, p.qualified(f, "socket", "DefaultBacklog", "128"))
	case "reactor.Reactor.Dial", "reactor.Reactor.Listen", "reactor.Reactor.ListenPacket":
		for _, a := range c.Args {
			if o, ok := a.(*ast.CallExpr); ok {
				if is := optionsFor(p.nameOf(lastName(o.Fun))); is != "" && is != optionsFor(name) {
					p.mixed = true // the call returned an error, and still does
				}
			}
		}
	case "socket.Socket.MakeFile":
		if n > 1 {
			p.edit(f, c.Args[0].End(), c.Rparen, "")
		}
	case "socket.Tuple":
		if c.Ellipsis.IsValid() || n == 3 || n > 4 {
			p.edit(f, c.Fun.Pos(), c.Fun.End(), p.tuple(f))
		} else if n == 4 {
			p.edit(f, id.Pos(), id.End(), "Tuple6")
		}
	case "sel.Poll.Register":
		both := p.qualified(f, "sel", "POLLIN", "1") + " | " + p.qualified(f, "sel", "POLLOUT", "4")
		if n == 1 {
			p.edit(f, c.Args[0].End(), c.Rparen, ", "+both)
		}
		for i := 2; i < n; i++ {
			p.edit(f, c.Args[i-1].End(), c.Args[i].Pos(), " | ")
		}
		p.unspread(f, c, name, both)
	}
}

// nameOf returns package.Name or package.Type.Method if the identifier belongs to the old API, and
// "" otherwise.
func (p *port) nameOf(id *ast.Ident) string {
	o := p.info.Uses[id]
	if fn, ok := o.(*types.Func); ok {
		o = fn.Origin() // for a generic interface
	}
	if name := p.as[o]; name != "" {
		return name
	}
	if o == nil || o.Pkg() == nil || !strings.HasPrefix(o.Pkg().Path(), module+"/") {
		return ""
	}
	if fn, ok := o.(*types.Func); ok {
		if r := fn.Signature().Recv(); r != nil {
			t := r.Type()
			if ptr, ok := t.(*types.Pointer); ok {
				t = ptr.Elem()
			}
			named, ok := t.(*types.Named)
			if !ok {
				return ""
			}
			return o.Pkg().Name() + "." + named.Obj().Name() + "." + o.Name()
		}
	}
	return o.Pkg().Name() + "." + o.Name()
}

// prefix returns the text that a file writes before the names of one of our packages.
func (p *port) prefix(f *file, pkg string) (name string, imported bool) {
	for _, s := range f.tree.Imports {
		at := strings.Trim(s.Path.Value, `"`)
		if base, ok := strings.CutPrefix(at, module+"/"); ok && (base == pkg || base == "select" && pkg == "sel") {
			switch {
			case s.Name == nil:
				return pkg + ".", true
			case s.Name.Name == ".":
				return "", true
			case s.Name.Name != "_":
				return s.Name.Name + ".", true
			}
		}
	}
	return "", false
}

// qualified returns a constant in the form that the file can use. This is a name if the file
// imports the package, and a number otherwise.
func (p *port) qualified(f *file, pkg, name, number string) string {
	if prefix, ok := p.prefix(f, pkg); ok {
		return prefix + name
	}
	return number
}

func (p *port) edit(f *file, from, to token.Pos, text string) {
	base := p.w.fset.File(f.tree.Pos()).Base()
	f.edits = append(f.edits, edit{int(from) - base, int(to) - base, text})
}

func (p *port) where(at token.Pos) string { return p.w.fset.Position(at).String() }

func (p *port) report(at token.Pos, text string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s: %s\n", p.where(at), fmt.Sprintf(text, args...))
}

// fileOf returns the file that contains a position.
func (p *port) fileOf(at token.Pos) *file {
	for _, f := range p.files {
		if f.tree.FileStart <= at && at <= f.tree.FileEnd {
			return f
		}
	}
	return nil
}
