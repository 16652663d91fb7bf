//go:build linux

package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// An overlay is a set of files that replace files of GOROOT or are added to it.
type overlay struct {
	t      *testing.T
	src    string            // GOROOT/src
	dir    string            // folder of the new files
	Files  map[string]string `json:"Replace"`
	number int
}

func newOverlay(t *testing.T, src string) *overlay {
	o := &overlay{t: t, src: src, dir: t.TempDir(), Files: map[string]string{}}
	o.vendor()
	o.rewriteNet()
	o.rewriteTests()
	return o
}

// write adds a file with this text at a path below GOROOT/src.
func (o *overlay) write(path string, text []byte) {
	o.number++
	at := filepath.Join(o.dir, fmt.Sprint(o.number, ".go"))
	must(o.t, os.WriteFile(at, text, 0o644))
	o.Files[filepath.Join(o.src, path)] = at
}

// hook adds the test file that sets the hooks to a folder. The file belongs to the package with
// this name.
func (o *overlay) hook(folder, name string) {
	text, err := os.ReadFile("testdata/init.go.txt")
	must(o.t, err)
	o.write(filepath.Join(folder, "zz_gosuites_test.go"), bytes.Replace(text, []byte("package PACKAGE"), []byte("package "+name), 1))
}

// save writes the list of files that the go command needs, and returns the path of the list.
func (o *overlay) save() string {
	text, err := json.Marshal(o)
	must(o.t, err)
	at := filepath.Join(o.dir, "overlay.json")
	must(o.t, os.WriteFile(at, text, 0o644))
	return at
}

// vendor adds netconn, and the packages that netconn imports, to the vendored packages of the
// standard library. Package net can then import netconn.
func (o *overlay) vendor() {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}} {{.Dir}} {{join .GoFiles \",\"}} {{join .SFiles \",\"}}{{end}}",
		"github.com/ureactor/ureactor/netconn").Output()
	must(o.t, err)
	for line := range strings.Lines(string(out)) {
		part := strings.Fields(line)
		for _, files := range part[2:] {
			for _, name := range strings.Split(files, ",") {
				o.Files[filepath.Join(o.src, "vendor", part[0], name)] = filepath.Join(part[1], name)
			}
		}
	}
}

// delegating are the types of package net whose methods are passed on to a connection of netconn.
var delegating = []string{"conn", "TCPConn", "UDPConn", "UnixConn", "TCPListener", "UnixListener"}

// rewriteNet rewrites package net so that it calls the hooks.
func (o *overlay) rewriteNet() {
	out, err := exec.Command("go", "list", "-f", "{{join .GoFiles \" \"}} {{join .CgoFiles \" \"}}", "net").Output()
	must(o.t, err)
	for _, name := range strings.Fields(string(out)) {
		path := filepath.Join(o.src, "net", name)
		text, err := os.ReadFile(path)
		must(o.t, err)
		e := &editor{text: text, set: token.NewFileSet()}
		f, err := parser.ParseFile(e.set, path, text, 0)
		must(o.t, err)
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				e.function(d)
			case *ast.GenDecl:
				e.types(d)
			}
		}
		if after := bytes.ReplaceAll(e.done(), []byte("conn{fd}"), []byte("conn{fd: fd}")); !bytes.Equal(after, text) {
			o.write(filepath.Join("net", name), after)
		}
	}
	text, err := os.ReadFile("testdata/hook.go.txt")
	must(o.t, err)
	o.write("net/zz_gosuites.go", text)
}

// checks are places in package net's tests that check calls of package internal/poll. Netconn does
// not use this package, so these checks are switched off. The tests still compare data and errors.
var checks = []struct{ file, from, to string }{
	{"sendfile_test.go", "\tif !supportsSendfile() {", "\tif ZHooks != nil || !supportsSendfile() {"},
	{"splice_linux_test.go", "\tif tc.limitReadSize == 0 || tc.downNet", "\tif ZHooks != nil {\n\t} else if tc.limitReadSize == 0 || tc.downNet"},
	{"splice_linux_test.go", "\tif n > 0 && !hook.called", "\tif ZHooks == nil && n > 0 && !hook.called"},
	{"splice_linux_test.go", "\tif !hook.handled || hook.written > 0 || hook.err == nil {",
		"\tif ZHooks == nil && (!hook.handled || hook.written > 0 || hook.err == nil) {"},
	{"splice_linux_test.go", "\tt.Helper()\n\n\tsc, ok :=", "\tt.Helper()\n\tif ZHooks != nil {\n\t\treturn\n\t}\n\n\tsc, ok :="},
	{"writev_test.go", "len(writeLog.log) < wantMinCalls", "ZHooks == nil && len(writeLog.log) < wantMinCalls"},
}

func (o *overlay) rewriteTests() {
	texts := map[string]string{}
	for _, c := range checks {
		if texts[c.file] == "" {
			text, err := os.ReadFile(filepath.Join(o.src, "net", c.file))
			must(o.t, err)
			texts[c.file] = string(text)
		}
		if !strings.Contains(texts[c.file], c.from) {
			o.t.Errorf("net/%s has no %q: this Go is another", c.file, c.from)
		}
		texts[c.file] = strings.ReplaceAll(texts[c.file], c.from, c.to)
	}
	for file, text := range texts {
		o.write(filepath.Join("net", file), []byte(text))
	}
}

// An editor inserts text into a file.
type editor struct {
	text    []byte
	set     *token.FileSet
	inserts []insert
}

type insert struct {
	at   int
	text string
}

func (e *editor) insert(p token.Pos, text string) {
	e.inserts = append(e.inserts, insert{e.set.Position(p).Offset, text})
}

func (e *editor) done() []byte {
	slices.SortFunc(e.inserts, func(a, b insert) int { return b.at - a.at })
	text := slices.Clone(e.text)
	for _, i := range e.inserts {
		text = slices.Insert(text, i.at, []byte(i.text)...)
	}
	return text
}

// source returns the source text of a node.
func (e *editor) source(n ast.Node) string {
	return string(e.text[e.set.Position(n.Pos()).Offset:e.set.Position(n.End()).Offset])
}

// types adds a field for the connection of netconn to the delegating types.
func (e *editor) types(d *ast.GenDecl) {
	for _, s := range d.Specs {
		t, ok := s.(*ast.TypeSpec)
		if !ok || !slices.Contains([]string{"conn", "TCPListener", "UnixListener"}, t.Name.Name) {
			continue
		}
		e.insert(t.Type.(*ast.StructType).Fields.Closing, "\tz any // of netconn\n")
	}
}

// calls are the functions that call a hook: the condition, the call, and the type of its result.
var calls = map[string]struct{ when, call, result string }{
	"Dialer.DialContext":        {"zHooked(network)", "Dial(ctx, d, network, address)", "Conn"},
	"ListenConfig.Listen":       {"zHooked(network)", "Listen(ctx, lc, network, address)", "Listener"},
	"ListenConfig.ListenPacket": {"zHooked(network)", "ListenPacket(ctx, lc, network, address)", "PacketConn"},
	"dialTCP":                   {"zHooked(network)", "DialTCP(ctx, dialer, network, laddr, raddr)", "*TCPConn"},
	"dialUDP":                   {"zHooked(network)", "DialUDP(ctx, dialer, network, laddr, raddr)", "*UDPConn"},
	"dialUnix":                  {"zHooked(network)", "DialUnix(ctx, dialer, network, laddr, raddr)", "*UnixConn"},
	"ListenTCP":                 {"zHooked(network)", "ListenTCP(network, laddr)", "*TCPListener"},
	"ListenUDP":                 {"zHooked(network)", "ListenUDP(network, laddr)", "*UDPConn"},
	"ListenMulticastUDP":        {"zHooked(network)", "ListenMulticastUDP(network, ifi, gaddr)", "*UDPConn"},
	"ListenUnix":                {"zHooked(network)", "ListenUnix(network, laddr)", "*UnixListener"},
	"ListenUnixgram":            {"zHooked(network)", "ListenUnixgram(network, laddr)", "*UnixConn"},
	"FileConn":                  {"ZHooks != nil && ZHooks.FileConn != nil", "FileConn(f)", "Conn"},
	"FileListener":              {"ZHooks != nil && ZHooks.FileListener != nil", "FileListener(f)", "Listener"},
	"FilePacketConn":            {"ZHooks != nil && ZHooks.FilePacketConn != nil", "FilePacketConn(f)", "PacketConn"},
}

// function rewrites one function or method, so that it calls a hook or a connection of netconn.
func (e *editor) function(d *ast.FuncDecl) {
	typ, recv := receiver(d)
	key := d.Name.Name
	if typ != "" {
		key = typ + "." + key
	}
	if c, ok := calls[key]; ok {
		e.insert(d.Body.Lbrace+1, fmt.Sprintf("\n\tif %s {\n\t\treturn zAs[%s](ZHooks.%s)\n\t}\n", c.when, c.result, c.call))
		return
	}
	if !slices.Contains(delegating, typ) {
		return
	}
	var body string
	switch d.Name.Name {
	case "Accept":
		body = "return zAs[Conn](" + recv + ".z.(Listener).Accept())"
	case "AcceptTCP":
		body = "return zAs[*TCPConn](" + recv + ".z.(Listener).Accept())"
	case "AcceptUnix":
		body = "return zAs[*UnixConn](" + recv + ".z.(Listener).Accept())"
	case "MultipathTCP":
		body = "return false, nil"
	case "writeBuffers":
		body = "return zWriteBuffers(" + recv + ".z, v)"
	default:
		if !d.Name.IsExported() {
			return
		}
		body = e.delegate(d, typ, recv)
	}
	e.insert(d.Body.Lbrace+1, "\n\tif "+recv+" != nil && "+recv+".z != nil {\n\t\t"+body+"\n\t}\n")
}

// delegate returns a call of the method with the same name on the connection of netconn.
func (e *editor) delegate(d *ast.FuncDecl, typ, recv string) string {
	name := d.Name.Name
	if typ == "TCPConn" && name == "ReadFrom" {
		return "return zReadFrom(" + recv + ".z, r)"
	}
	var args []string
	for _, p := range d.Type.Params.List {
		for _, n := range p.Names {
			arg := n.Name
			if typ == "TCPConn" && name == "WriteTo" {
				arg = "zWriter(" + arg + ")"
			}
			args = append(args, arg)
		}
	}
	sig := strings.TrimPrefix(e.source(d.Type), "func ")
	sig = sig[strings.Index(sig, name):]
	call := fmt.Sprintf("%s.z.(interface{ %s }).%s(%s)", recv, sig, name, strings.Join(args, ", "))
	results := d.Type.Results
	switch {
	case results == nil:
		return call + "\n\t\treturn"
	case e.source(results.List[len(results.List)-1].Type) != "error":
		return "return " + call
	}
	return fmt.Sprintf("return zErr%d(%s)", results.NumFields(), call)
}

func receiver(d *ast.FuncDecl) (typ, name string) {
	if d.Recv == nil {
		return "", ""
	}
	f := d.Recv.List[0]
	t := f.Type
	if s, ok := t.(*ast.StarExpr); ok {
		t = s.X
	}
	id, ok := t.(*ast.Ident)
	if !ok || len(f.Names) == 0 {
		return "", ""
	}
	return id.Name, f.Names[0].Name
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
