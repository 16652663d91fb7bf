package main

import (
	"fmt"
	"go/ast"
)

// In the old API an optional argument could be a list, or have several values. The new API has no
// such argument. This file rewrites these calls. An error stays an error.

// tuple returns a function with the old signature of Tuple. For a wrong number of arguments this
// function calls Tuple6 with the flow -1, which Tuple6 refuses.
func (p *port) tuple(f *file) string {
	pkg := p.qualified(f, "socket", "", "")
	return fmt.Sprintf(`func(host string, port int, flowScope ...int) %[1]sAddr {
	switch len(flowScope) {
	case 0:
		return %[1]sTuple(host, port)
	case 2:
		return %[1]sTuple6(host, port, flowScope[0], flowScope[1])
	}
	return %[1]sTuple6(host, port, -1, -1) // an error
}`, pkg)
}

// extra rewrites a call that passes two values for one optional argument. Such a call was an error.
// The new call returns an error of the same kind: MakeFile with an empty mode.
func (p *port) extra(f *file, c *ast.CallExpr, s *ast.SelectorExpr, name string) bool {
	most, results, values := 1, "error", ""
	switch name {
	case "socket.Socket.Listen":
	case "socket.Socket.ReadLine":
		results, values = "([]byte, error)", "nil, "
	case "socket.Socket.MakeFile":
		most = 2
	default:
		return false
	}
	if s == nil || c.Ellipsis.IsValid() || len(c.Args) <= most {
		return false
	}
	if most == 2 {
		p.edit(f, s.Sel.Pos(), c.End(), `MakeFile("")`)
		return true
	}
	p.edit(f, c.Pos(), c.Pos(), "func() "+results+" { _, err := ")
	p.edit(f, s.Sel.Pos(), c.End(), `MakeFile(""); return `+values+`err }()`)
	return true
}

// one returns the text to write before and after a list, so that the list becomes one argument. If
// the list is empty, the argument is missing.
func (p *port) one(f *file, name, missing string) (before, after string) {
	typ := "int"
	switch name {
	case "sel.Poll.Register":
		typ = p.qualified(f, "sel", "Events", "")
		if typ != "" {
			break
		}
		fallthrough // the file can't name the type
	case "socket.Socket.Listen", "socket.Socket.ReadLine", "socket.SSLSocket.ReadLine":
		return "append(", ", " + missing + ")[0]"
	}
	none := ""
	if missing != "0" {
		none = "if len(list) == 0 { return " + missing + " }; "
	}
	return fmt.Sprintf("func(list ...%[1]s) (all %[1]s) { %[2]sfor _, one := range list { all |= one }; return all }(",
		typ, none), "...)"
}

// unspread makes one argument of a list.
func (p *port) unspread(f *file, c *ast.CallExpr, name, missing string) {
	if !c.Ellipsis.IsValid() {
		return
	}
	last := c.Args[len(c.Args)-1]
	before, after := p.one(f, name, missing)
	p.edit(f, last.Pos(), last.Pos(), before)
	p.edit(f, c.Ellipsis, c.Ellipsis+3, after)
}
