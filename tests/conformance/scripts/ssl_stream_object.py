# Checks: a Python object with the methods of a stream can be wrapped; its methods are called.
# Doc: wrap_socket: "Takes a stream sock (usually socket.socket instance of SOCK_STREAM type)".
import io
from ssllab import *


class Pipe(io.IOBase):
    def __init__(self, name):
        self.name, self.data, self.other = name, b"", None

    def readinto(self, buf):
        d = self.other.data[: len(buf)]
        if not d:
            return None
        buf[: len(d)] = d
        self.other.data = self.other.data[len(d) :]
        return len(d)

    def write(self, buf):
        self.data += bytes(buf)
        return len(buf)

    def ioctl(self, request, arg):
        if request == 3:
            return (1 if self.other.data else 0) & arg | 4 & arg
        print(self.name, "ioctl", request, arg)
        return 0

    def setblocking(self, flag):
        print(self.name, "setblocking", flag)


a, b = Pipe("a"), Pipe("b")
a.other, b.other = b, a
c = client().wrap_socket(a, server_hostname="tls.test", do_handshake_on_connect=False)
s = server().wrap_socket(b, server_side=True, do_handshake_on_connect=False)
print(shake(c, s))
print(c.write(b"one\ntwo"), s.readline(), s.read(10), s.read(10))
import select

p = select.poll()
p.register(s)
print(evs(p.poll(0)))
c.write(b"xyz")
print(evs(p.poll(0)), s.read(1), evs(p.poll(0)))
c.setblocking(False)
print(c.close(), c.close())
print(evs(p.poll(0)))
print(failure(lambda: client(mode=0).wrap_socket(io.BytesIO(b"no TLS here"))))
