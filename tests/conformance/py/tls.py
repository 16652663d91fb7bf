# MicroPython's module tls, which calls the Go library.
import ctypes as _ctypes
import io as _io
import json as _json
import operator as _operator
import weakref as _weakref

import _bridge as _b
import select as _select
import socket as _socket

PROTOCOL_TLS_CLIENT = 0
PROTOCOL_TLS_SERVER = 1
CERT_NONE = 0
CERT_OPTIONAL = 1
CERT_REQUIRED = 2
MBEDTLS_VERSION = "crypto/tls"

_contexts = _weakref.WeakValueDictionary()  # handle -> SSLContext
_POLL, _CLOSE = 3, 4


def _data(v):
    if isinstance(v, str):
        v = v.encode()
    return bytes(memoryview(v))


def _check(r, out):
    # If the result is a ValueError, its text is in out.
    text = out.take().decode() if r == -30001 else ""
    if text:
        raise ValueError(text)
    return _b.check(r)


class SSLContext:
    __slots__ = ("_h", "_callback", "__weakref__")

    def __init__(self, protocol, /):
        object.__setattr__(self, "_h", -1)
        o = _b.Out()
        self._h = _check(_b.ssl_context(_operator.index(protocol), *o.args), o)
        self._callback = None
        _contexts[self._h] = self
        # MicroPython's ports have TLS 1.2, but no newer version.
        self.set_ciphers([c for c in self.get_ciphers() if not c.startswith("TLS1-3")])

    def __del__(self):
        if _b is not None and self._h >= 0:
            _b.ssl_free(self._h)

    @property
    def verify_mode(self):
        return _b.check(_b.ssl_verify_mode(self._h, 0, 0))

    @verify_mode.setter
    def verify_mode(self, mode):
        _b.check(_b.ssl_verify_mode(self._h, 1, _operator.index(mode)))

    @property
    def verify_callback(self):
        return self._callback

    @verify_callback.setter
    def verify_callback(self, f):
        self._callback = f
        _b.check(_b.ssl_verify_callback(self._h, f is not None))

    def get_ciphers(self):
        o = _b.Out()
        _b.check(_b.ssl_ciphers(self._h, *o.args))
        return _json.loads(o.take())

    def set_ciphers(self, ciphers, /):
        if not isinstance(ciphers, (list, tuple)):
            raise TypeError("list or tuple required")
        b = _json.dumps(list(ciphers)).encode()
        _b.check(_b.ssl_set_ciphers(self._h, b, len(b)))

    def load_cert_chain(self, cert, key, /):
        o = _b.Out()
        key = _data(key)  # mbedtls parses the key first
        chain = b"" if cert is None else _data(cert)
        try:
            _check(_b.ssl_load(self._h, 1, chain, len(chain), key, len(key), *o.args), o)
        except ValueError as e:
            if cert is None and "cert" in str(e):
                raise TypeError("a certificate is required") from None
            raise

    def load_verify_locations(self, cadata, /):
        o = _b.Out()
        cadata = _data(cadata)
        _check(_b.ssl_load(self._h, 0, cadata, len(cadata), b"", 0, *o.args), o)

    def wrap_socket(self, sock, /, *, server_side=False, do_handshake_on_connect=True, server_hostname=None, client_id=None):
        o = _b.Out()
        name = (server_hostname or "").encode()
        h = getattr(sock, "_h", 0)
        if not h:
            for method in ("readinto", "write"):
                if not hasattr(sock, method):
                    raise OSError("stream operation not supported")
            _socket._objects[id(sock)] = sock
        r = _b.ssl_wrap(self._h, h, id(sock), bool(server_side), not do_handshake_on_connect, name, len(name), *o.args)
        return SSLSocket(_check(r, o), sock, self)


class SSLSocket:
    def __init__(self, h, sock, context):
        self._h = h
        self._keep = sock, context  # both must live as long as this object

    def __repr__(self):
        return "<SSLSocket>"

    def __del__(self):
        if _b is not None:
            _b.sock_free(self._h)

    close = _socket.socket.close
    setblocking = _socket.socket.setblocking
    read = _socket.socket.read
    readinto = _socket.socket.readinto
    readline = _socket.socket.readline
    write = _socket.socket.write
    fileno = _socket.socket.fileno

    def settimeout(self, value, /):  # MicroPython has no such method
        _socket.socket.settimeout(self, value)

    def cipher(self):
        o = _b.Out()
        _b.check(_b.ssl_info(self._h, 0, *o.args))
        return tuple(o.take().decode().split(" "))

    def getpeercert(self, binary_form, /):
        if not binary_form:
            raise NotImplementedError
        o = _b.Out()
        _b.check(_b.ssl_info(self._h, 1, *o.args))
        return o.take() or None

    def ioctl(self, request, arg, /):
        if request == _CLOSE:
            self.close()
            return 0
        if request != _POLL:
            raise _b.oserror(22)
        p = _select.poll()
        p.register(self, arg)
        found = p.poll(0)
        return found[0][1] if found else 0


def _stream(key, op, p, n):
    # The library calls this for a stream that is not a socket: 0 read, 1 write, 2 close, 3
    # setblocking.
    try:
        s = _socket._objects[key]
        if op == 2:
            if hasattr(s, "ioctl"):
                s.ioctl(_CLOSE, 0)
            return 0
        if op == 3:
            s.setblocking(bool(_ctypes.string_at(p, 1)[0]))
            return 0
        buf = (_ctypes.c_char * n).from_address(p) if n else b""
        r = s.readinto(memoryview(buf).cast("B")) if op == 0 else s.write(_ctypes.string_at(p, n))
        return -11 if r is None else r
    except OSError as e:
        return -(e.args[0] if e.args and isinstance(e.args[0], int) else 5)
    except BaseException as e:
        _b.pending_exception(e)
        return -30020


def _verify(h, p, n, depth):
    try:
        return int(_contexts[h]._callback(memoryview(_ctypes.string_at(p, n)), depth))
    except BaseException as e:
        _b.pending_exception(e)
        return -1


_cfuncs = (_b.STREAM(_stream), _b.VERIFY(_verify))
_b.ssl_init(*_cfuncs)
