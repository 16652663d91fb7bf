# Checks: a handshake at once on blocking sockets, in two threads; reads wait for all bytes.
# Doc: "For blocking sockets doing the handshake immediately is standard."
import _thread
from ssllab import *

a, b = pair(BASE + 902)
done = []


def serve():
    s = server().wrap_socket(b, server_side=True)
    done.append(s.read(10))
    done.append(s.write(b"x" * 5000))
    done.append(s)


_thread.start_new_thread(serve, ())
c = client().wrap_socket(a, server_hostname="tls.test")
print(c.write(b"12345"))
settle()
print(c.write(b"67890"))
print(c.read(5000) == b"x" * 5000)
settle()
print(done[:2])
