package longtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayBeRandom lists the files that show what chance breaks.
var mayBeRandom = []string{"sim/simtest/mistakes_test.go"}

// Without -long, each run of a test makes the same random choices. The test parses all tests and
// finds each use of a random source that has no fixed seed.
func TestNoTestIsRandomByDefault(t *testing.T) {
	if !Default(t, "parses all tests") {
		return
	}
	const root = "../.."
	parsed := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil || strings.ContainsAny(d.Name()[:1], "._") {
				return fs.SkipDir
			}
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
		if !strings.HasSuffix(path, "_test.go") || slices.Contains(mayBeRandom, name) {
			return nil
		}
		parsed++
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, what := range randomIn(t, name, string(source)) {
			t.Error(what)
		}
		return nil
	})
	if err != nil || parsed < 100 {
		t.Fatalf("%d files, %v", parsed, err)
	}
}

// The finder finds each kind of random choice, and accepts a choice that is always the same.
func TestRandomChoicesAreFound(t *testing.T) {
	for source, finds := range map[string]bool{
		`import "math/rand/v2"; func f() { rand.IntN(3) }`:                                            true,
		`import other "math/rand"; func f() { g(other.Intn) }`:                                        true,
		`import "math/rand/v2"; func f() { rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano()))) }`: true,
		`import "math/rand"; func f() { rand.NewSource(int64(os.Getpid())) }`:                         true,
		`import "crypto/rand"; func f() { rand.Read(p) }`:                                             true,
		`import "hash/maphash"`:  true,
		`import "testing/quick"`: true,
		`import "pgregory.net/rapid"; func TestA() { rapid.Check(t, p) }`:                                                           true,
		`import "pgregory.net/rapid"; func TestA() { longtest.Checks(t, 1, 2, 3) }; func TestB() { rapid.MakeCheck(p) }`:            true,
		`import "pgregory.net/rapid"; func TestA() { gen.Example() }`:                                                               true,
		`import "pgregory.net/rapid"; func TestA() { longtest.Checks(t, 1, 2, 3); rapid.Check(t, p) }; var p = func(t *rapid.T) {}`: false,
		`import "math/rand/v2"; func f(r *rand.Rand) { rand.New(rand.NewPCG(seed, 1)).IntN(3) }`:                                    false,
		`import "crypto/rand"; func f() { ecdsa.GenerateKey(elliptic.P256(), rand.Reader); rand.Prime(rand.Reader, 256) }`:          false,
	} {
		if got := randomIn(t, "x_test.go", "package x; "+source); (len(got) > 0) != finds {
			t.Errorf("%s: %q", source, got)
		}
	}
}

// randomIn returns the random choices in a source file.
func randomIn(t *testing.T, name, source string) (found []string) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, name, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	report := func(at token.Pos, text string) { found = append(found, set.Position(at).String()+": "+text) }
	imports := map[string]string{} // the path of each name
	for _, i := range f.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		as := filepath.Base(strings.TrimSuffix(path, "/v2"))
		if i.Name != nil {
			as = i.Name.Name
		}
		imports[as] = path
		if path == "hash/maphash" || path == "testing/quick" {
			report(i.Pos(), "package "+path+" is random")
		}
	}
	for _, d := range f.Decls {
		checks, seeded := token.NoPos, false
		ast.Inspect(d, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.Name == "Checks" {
				seeded = true
			}
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				if call, ok := n.(*ast.CallExpr); ok && makesSource(imports, call) && varies(call.Args) {
					report(call.Pos(), "the seed is not fixed")
				}
				return true
			}
			x, _ := s.X.(*ast.Ident)
			switch path := ""; {
			case s.Sel.Name == "Example" && imports["rapid"] != "":
				report(s.Pos(), "Example of rapid is random")
			case x == nil:
			default:
				path = imports[x.Name]
				global := strings.HasPrefix(path, "math/rand") && !strings.HasPrefix(s.Sel.Name, "New") && !slices.Contains([]string{"Rand", "Source", "PCG", "Zipf", "ChaCha8"}, s.Sel.Name)
				// Reader and Prime are for keys.
				bytes := path == "crypto/rand" && s.Sel.Name != "Reader" && s.Sel.Name != "Prime"
				if global || bytes {
					report(s.Pos(), path+"."+s.Sel.Name+" has no fixed seed: use rand.New(rand.NewPCG(1, 2)), or longtest.Seeds")
				}
				if path == "pgregory.net/rapid" && (s.Sel.Name == "Check" || s.Sel.Name == "MakeCheck") {
					checks = s.Pos()
				}
			}
			return true
		})
		if checks.IsValid() && !seeded {
			report(checks, "call longtest.Checks first: it fixes the seed of rapid")
		}
	}
	return found
}

// makesSource returns whether a call makes a random source from a seed.
func makesSource(imports map[string]string, call *ast.CallExpr) bool {
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && strings.HasPrefix(imports[x.Name], "math/rand") && slices.Contains([]string{"NewPCG", "NewSource", "NewChaCha8"}, s.Sel.Name)
}

// varies returns whether an argument depends on the time or on the process.
func varies(args []ast.Expr) (yes bool) {
	for _, a := range args {
		ast.Inspect(a, func(n ast.Node) bool {
			if x, ok := n.(*ast.Ident); ok && (x.Name == "time" || x.Name == "os") {
				yes = true
			}
			return true
		})
	}
	return yes
}
