"""runtest [-root DIR] PORTS TEST: runs one of MicroPython's tests on the modules that are first in the path.

-root names the folder with MicroPython's asyncio; without it nothing is rewritten, and the test
runs on CPython's own modules. A test with functions instance0, instance1, … is one of several
devices: each is a thread here. They print as MicroPython's run-multitests.py does."""
import os
import queue
import socket
import sys
import threading
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dialect


class Output:
    """What a thread prints goes to its instance."""

    def __init__(self, real):
        self.real, self.of = real, {}

    def write(self, text):
        to = self.of.get(threading.get_ident())
        if to is None:
            return self.real.write(text)
        to.append(text)
        return len(text)

    def flush(self):
        self.real.flush()

    def __getattr__(self, name):
        return getattr(self.real, name)


class Instance:
    """One device, and what its test sees as multitest."""

    def __init__(self, number, scene):
        self.number, self.scene = number, scene
        self.printed, self.heard = [], queue.Queue()
        self.ready = threading.Event()  # the instance has called next, or has ended
        self.failed = self.skipped = False

    def run(self, code, dialect):
        dialect.local.modules = {}
        sys.stdout.of[threading.get_ident()] = self.printed
        g = {"__name__": "__main__", "multitest": self}
        try:
            exec(code, g)
            g.update(self.scene.values)
            g["instance%d" % self.number]()
        except SystemExit:
            self.skipped = "".join(self.printed).strip() == "SKIP"
        except BaseException as e:
            import traceback
            self.failed = True
            traceback.print_exception(type(e), e, e.__traceback__, file=sys.stdout)
        finally:
            self.ready.set()

    def next(self):
        self.ready.set()

    def skip(self):
        print("SKIP")
        raise SystemExit

    def globals(self, **values):
        self.scene.values.update(values)

    def broadcast(self, text):
        for other in self.scene.instances:
            if other is not self:
                other.heard.put(text)

    def wait(self, text):
        while self.heard.get(timeout=30) != text:
            pass

    def flush(self):
        pass

    def get_network_ip(self):
        return "127.0.0.1"

    def output_metric(self, data):
        pass


class Scene:
    def __init__(self, count):
        self.values = {"IP": "127.0.0.1"}
        self.instances = [Instance(i, self) for i in range(count)]

    def run(self, source, name, dialect):
        threads = []
        for i in self.instances:
            code = dialect.compile(source, name)
            t = threading.Thread(target=i.run, args=(code, dialect), daemon=True)
            threads.append(t)
            t.start()
            i.ready.wait(30)
            if i.skipped:
                return "SKIP\n"
        for t in threads:
            t.join(30)
        if any(i.skipped for i in self.instances):
            return "SKIP\n"
        return "".join("--- instance%d ---\n%s" % (i.number, "".join(i.printed)) for i in self.instances)


class Home:
    """micropython.org, for tests that ask it: connections stay open, and port 443 speaks TLS."""

    def __init__(self, ports, name):
        self.ports, self.servers, self.real = ports, {}, socket.getaddrinfo
        # In this test, connects to these ports must stay in progress, as in a network with some
        # latency.
        self.slow = [80] if "connect_nonblock_xfer" in name else []
        socket.getaddrinfo = self.getaddrinfo

    def getaddrinfo(self, host, port, *rest):
        if host in ("192.0.2.1", "1.1.1.1") or host == "micropython.org" and port in self.slow:  # no answer
            host, port = "127.0.0.1", self.silent()
        elif host == "micropython.org":
            host, port = "127.0.0.1", self.serve(port)
        return self.real(host, port, *rest)

    def silent(self):
        if not hasattr(self, "full"):
            import lab  # a module of the conformance scripts
            self.full = lab.stuck(self.ports + 149)
        return self.ports + 149

    def serve(self, port):
        at = self.ports + 150 + len(self.servers)
        if port not in self.servers:
            self.servers[port] = at
            s = socket.socket()
            s.bind(self.real("127.0.0.1", at)[0][-1])
            s.listen(5)
            threading.Thread(target=self.accept, args=(s, port == 443), daemon=True).start()
        return self.servers[port]

    def accept(self, s, tls):
        kept = []
        while True:
            kept.append(s.accept()[0])
            if tls:
                threading.Thread(target=self.shake, args=(kept[-1], kept), daemon=True).start()

    def shake(self, s, kept):
        import ssllab  # from the conformance scripts: a chain of two
        chain = ssllab.pem("CERTIFICATE", ssllab.LEAF) + ssllab.pem("CERTIFICATE", ssllab.MIDDLE)
        try:
            kept.append(ssllab.server(chain, ssllab.LEAF_KEY).wrap_socket(s, server_side=True))
        except OSError:
            pass


def attribute_callbacks(output):
    # A verify callback may run on a thread of the library. What it prints belongs to the instance
    # that set the callback.
    import tls
    get, put = tls.SSLContext.verify_callback.fget, tls.SSLContext.verify_callback.fset

    def bind(self, f):
        printed = output.of.get(threading.get_ident())

        def called(*args):
            output.of[threading.get_ident()] = printed
            return f(*args)

        put(self, f and called)

    tls.SSLContext.verify_callback = property(get, bind)


def main(args):
    root = None
    if args[0] == "-root":
        root, args = args[1], args[2:]
    ports, name = int(args[0]), args[1]
    with open(name) as f:
        source = f.read()
    os.chdir(os.path.dirname(os.path.abspath(name)))
    d = dialect.Dialect(root, ports)
    count = 0
    while "\ndef instance%d(" % count in source:
        count += 1
    if count:
        sys.stdout = Output(sys.stdout)
        if root is not None:
            attribute_callbacks(sys.stdout)
        text = Scene(count).run(source, name, d)
        sys.stdout.real.write(text)
        sys.stdout.real.flush()
        os._exit(0)  # an instance may hang
    Home(ports, name)
    m = types.ModuleType("__main__")
    m.__file__ = name
    sys.modules["__main__"], sys.argv = m, [name]
    exec(d.compile(source, name), m.__dict__)


main(sys.argv[1:])
