# This module runs programs that are written for MicroPython on CPython.
#
# CPython refuses some code that MicroPython accepts. A module is rewritten while it is loaded, so
# that:
#   - a generator can be awaited, and `await x` accepts an object that has only __iter__;
#   - `yield` in an async function suspends it;
#   - bytes + str, bytes % values, b"".format, and readinto with a size work.
# CPython's modules get functions that only MicroPython has: ticks of time, schedule,
# print_exception.
import ast
import builtins
import copy
import gc
import importlib.abc
import importlib.util
import io
import os
import struct
import sys
import threading
import time
import traceback
import types


def _await(x):
    if isinstance(x, types.CoroutineType) or hasattr(type(x), "__await__"):
        return x
    if isinstance(x, types.GeneratorType) and x.gi_code.co_flags & 0x100:
        return x
    return _Awaitable(x)


class _Awaitable:
    def __init__(self, x):
        self.x = x

    def __await__(self):
        it = iter(self.x)
        send = getattr(it, "send", None)
        while True:
            try:
                v = send(None) if send else next(it)
            except StopIteration as e:
                return e.value
            try:
                yield v
            except BaseException as e:
                if not hasattr(it, "throw"):
                    raise
                it.throw(e)


@types.coroutine
def _yield(v=None):
    return (yield v)


def _like(a, b):
    return b.encode() if isinstance(a, (bytes, bytearray)) and isinstance(b, str) else b


def _mod(a, b):
    if not isinstance(a, (bytes, bytearray)):
        return a % b
    def part(x):
        return x if isinstance(x, (bytes, bytearray, memoryview)) or b"%s" not in a else str(x).encode()
    return a % (tuple(map(part, b)) if isinstance(b, tuple) else part(b))


def _format(b):
    if isinstance(b, (bytes, bytearray)):
        return lambda *a, **k: bytes(b).decode().format(*a, **k).encode()
    return b.format


def _readinto(f, b, n):
    if isinstance(f, io.IOBase) and type(f).__module__ in ("io", "_io"):
        return f.readinto(memoryview(b)[:n])
    return f.readinto(b, n)


def _load(t):
    t = copy.deepcopy(t)
    t.ctx = ast.Load()
    return t


def _call(name, *args):
    return ast.Call(ast.Name(name, ast.Load()), list(args), [])


class Rewrite(ast.NodeTransformer):
    def __init__(self, ports):
        self.stack, self.ports = [], ports

    def _function(self, n, kind):
        self.stack.append([kind, False])
        self.generic_visit(n)
        if self.stack.pop()[1] and kind == "def":
            n.decorator_list.append(ast.Name("_mp_coro", ast.Load()))
        return n

    def visit_FunctionDef(self, n):
        return self._function(n, "def")

    def visit_AsyncFunctionDef(self, n):
        return self._function(n, "async")

    def visit_Lambda(self, n):
        return self._function(n, "lambda")

    def _suspension(self, n, name, args):
        self.generic_visit(n)
        if self.stack and self.stack[-1][0] == "async":
            return ast.Await(_call(name, *args))
        if self.stack:
            self.stack[-1][1] = True
        return n

    def visit_Yield(self, n):
        return self._suspension(n, "_mp_yield", [n.value] if n.value else [])

    def visit_YieldFrom(self, n):
        return self._suspension(n, "_mp_await", [n.value])

    def visit_Await(self, n):
        self.generic_visit(n)
        n.value = _call("_mp_await", n.value)
        return n

    def visit_BinOp(self, n):
        self.generic_visit(n)
        if isinstance(n.op, ast.Add):
            return _call("_mp_add", n.left, n.right)
        if isinstance(n.op, ast.Mod):
            return _call("_mp_mod", n.left, n.right)
        return n

    def visit_AugAssign(self, n):
        self.generic_visit(n)
        if isinstance(n.op, ast.Add):
            n.value = _call("_mp_like", _load(n.target), n.value)
        return n

    def visit_Call(self, n):
        self.generic_visit(n)
        if isinstance(n.func, ast.Attribute) and n.func.attr == "format":
            n.func = _call("_mp_format", n.func.value)
        if isinstance(n.func, ast.Attribute) and n.func.attr == "readinto" and len(n.args) == 2:
            return _call("_mp_readinto", n.func.value, *n.args)
        return n

    def visit_Constant(self, n):  # replaces a test's fixed ports by free ports
        if type(n.value) is int and 8000 <= n.value < 8200:
            return ast.copy_location(ast.Constant(n.value - 8000 + self.ports), n)
        return n


class Dialect:
    """root has the folder asyncio. With None nothing is rewritten but the ports."""

    def __init__(self, root, ports):
        self.root, self.ports = root, ports
        self.local = threading.local()  # .modules: the modules of this instance's asyncio
        self.lock, self.importing = threading.RLock(), False
        if root is not None:
            self.lend()

    def compile(self, source, name):
        tree = ast.parse(source, name)
        if self.root is not None:
            tree = Rewrite(self.ports).visit(tree)
        else:
            tree = Ports(self.ports).visit(tree)
        ast.fix_missing_locations(tree)
        return compile(tree, name, "exec")

    def lend(self):
        builtins.__dict__.update(_mp_await=_await, _mp_yield=_yield, _mp_coro=types.coroutine, _mp_mod=_mod, _mp_readinto=_readinto,
                                 _mp_add=lambda a, b: a + _like(a, b), _mp_like=_like, _mp_format=_format, const=lambda x: x)
        sys.meta_path.insert(0, Finder(self))
        sys.modules["orjson"] = None
        sys.print_exception = lambda e, f=None: traceback.print_exception(type(e), e, e.__traceback__, file=f or sys.stdout)
        import micropython
        add, greatest = time.ticks_add, time.ticks_add(0, -1)

        def ticks_add(a, b):
            if (a, b) == (0, -1):
                return greatest
            if not -0x20000000 <= b < 0x20000000:
                raise OverflowError("ticks interval overflow")
            return add(a, b)

        time.ticks_add = ticks_add
        pack = struct.pack_into

        def pack_into(f, b, o, *a):
            try:
                return pack(f, b, o, *a)
            except struct.error:  # surplus values are ignored
                return pack(f, b, o, *a[: len(struct.unpack(f, bytes(struct.calcsize(f))))])

        struct.pack_into = pack_into
        gc.mem_free = gc.mem_alloc = lambda: 1 << 20
        micropython.alloc_emergency_exception_buf = lambda n: None
        real = builtins.__import__

        def importer(name, globals=None, locals=None, fromlist=(), level=0):
            # Each instance has its own asyncio, because MicroPython's asyncio keeps its state in
            # the module.
            mine = getattr(self.local, "modules", None)
            inside = level > 0 and str((globals or {}).get("__package__")) == "asyncio"
            if mine is None or not (name.split(".")[0] == "asyncio" or inside):
                return real(name, globals, locals, fromlist, level)
            with self.lock:
                if self.importing:  # by an outer import, which has installed the modules
                    return real(name, globals, locals, fromlist, level)
                self.importing = True
                for k in [k for k in sys.modules if k.split(".")[0] == "asyncio"]:
                    del sys.modules[k]
                sys.modules.update(mine)
                try:
                    return real(name, globals, locals, fromlist, level)
                finally:
                    mine.update((k, m) for k, m in sys.modules.items() if k.split(".")[0] == "asyncio")
                    self.importing = False

        builtins.__import__ = importer


class Ports(ast.NodeTransformer):
    def __init__(self, ports):
        self.ports = ports

    visit_Constant = Rewrite.visit_Constant


class Finder(importlib.abc.MetaPathFinder):
    def __init__(self, dialect):
        self.dialect = dialect

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] == "uasyncio":
            return importlib.util.spec_from_loader(name, Alias(name[1:]))
        if name.split(".")[0] != "asyncio":
            return None
        base = os.path.join(self.dialect.root, *name.split("."))
        if os.path.isdir(base):
            f = os.path.join(base, "__init__.py")
            return importlib.util.spec_from_file_location(name, f, loader=Loader(name, f, self.dialect), submodule_search_locations=[base])
        f = base + ".py"
        if not os.path.exists(f):
            return None
        return importlib.util.spec_from_file_location(name, f, loader=Loader(name, f, self.dialect))


class Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name, path, dialect):
        super().__init__(name, path)
        self.dialect = dialect

    def get_code(self, fullname):
        with open(self.path, "rb") as f:
            return self.dialect.compile(f.read(), self.path)

    def exec_module(self, m):
        super().exec_module(m)
        if m.__name__ == "asyncio.core":
            m.CancelledError.value = property(lambda e: e.args[0] if e.args else None)


class Alias(importlib.abc.Loader):
    def __init__(self, real):
        self.real = real

    def create_module(self, spec):
        __import__(self.real)
        return sys.modules[self.real]

    def exec_module(self, m):
        pass
