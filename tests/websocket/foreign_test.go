package websocket

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/websocket"
)

// The Python clients do the same as `asker`, and print ok at the end. The servers print their port.
const pythonClient = `
import asyncio, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1], max_size=2**21) as c:
        for n in [0, 1, 125, 126, 1000, 65535, 65536, 300000]:
            m = ("schön " * n)[:n]
            await c.send(m)
            assert await c.recv() == m, n
        await c.send([m[:100], m[100:200], ""])
        assert await c.recv() == m[:200]
        await (await c.ping())
    assert c.close_code == 1000, c.close_code
    print("ok")
asyncio.run(main())
`

const pythonServer = `
import asyncio, websockets
async def echo(c, path=None):
    async for m in c:
        await c.send(m)
async def main():
    async with websockets.serve(echo, "127.0.0.1", 0, max_size=2**21) as s:
        print(s.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()
asyncio.run(main())
`

const nodeClient = `
const WebSocket = require("ws");
const c = new WebSocket(process.argv[2], {perMessageDeflate: {threshold: 0}});
const sizes = [0, 1, 125, 126, 1000, 65535, 65536, 300000];
let i = 0, want;
const next = () => { want = "schön ".repeat(sizes[i]).slice(0, sizes[i]); c.send(want); };
c.on("open", next);
c.on("message", m => {
  if (m.toString() !== want) { console.log("message", i); process.exit(1); }
  if (++i < sizes.length) next(); else c.ping("x");
});
c.on("pong", p => c.close(1000, "bye"));
c.on("close", code => { console.log(code === 1000 && i === sizes.length ? "ok" : code); });
`

const nodeServer = `
const s = new (require("ws").WebSocketServer)({port: 0, host: "127.0.0.1", perMessageDeflate: {threshold: 0}});
s.on("connection", c => c.on("message", (m, binary) => c.send(m, {binary})));
s.on("listening", () => console.log(s.address().port));
`

// python returns the path of a Python that has the library, or "".
func python() string {
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import websockets").Run() == nil {
			return name
		}
	}
	return ""
}

// node installs the library ws. It returns a function that returns the command for a script that
// uses ws.
func node(t *testing.T) func(script string) []string {
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("no npm: ", err)
	}
	dir := t.TempDir()
	if out, err := exec.Command("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", dir, "ws@8").CombinedOutput(); err != nil {
		t.Skipf("npm install: %v: %s", err, out)
	}
	return func(script string) []string {
		path := filepath.Join(dir, "script.js")
		if err := os.WriteFile(path, []byte(script), 0o644); err != nil {
			t.Fatal(err)
		}
		return []string{"node", path}
	}
}

// Python's websockets and npm's ws work with this package, as client and as server, with each kind
// of compression.
func TestForeignPrograms(t *testing.T) {
	if !longtest.Only(t, "programs that are started, and npm") {
		return
	}
	t.Run("python", func(t *testing.T) {
		p := python()
		if p == "" {
			t.Skip("no python3-websockets")
		}
		foreign(t, []string{p, "-c", pythonClient}, []string{p, "-c", pythonServer})
	})
	t.Run("node", func(t *testing.T) {
		command := node(t)
		client := command(nodeClient)
		server := node(t)(nodeServer)
		foreign(t, client, server)
	})
}

func foreign(t *testing.T, client, server []string) {
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			out, err := exec.Command(client[0], append(client[1:len(client):len(client)], "ws://"+ours(t, append(k.ours, websocket.WithMaxMessage(2<<20))...))...).CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) != "ok" {
				t.Errorf("the client: %v: %s", err, out)
			}
			cmd := exec.Command(server[0], server[1:]...)
			cmd.Stderr = os.Stderr
			pipe, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			defer cmd.Process.Kill()
			port, err := bufio.NewReader(pipe).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			ask(t, fmt.Sprint("ws://127.0.0.1:", strings.TrimSpace(port)), texts(), k.ours...)
		})
	}
}
