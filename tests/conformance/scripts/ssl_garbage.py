# Checks: a peer that speaks no TLS; the error stays, and poll says NVAL once a call has raised it.
# Doc: Exceptions: "OSError is used".
import select
from ssllab import *

a, b = pair(BASE + 916)
b.setblocking(False)
s = client(mode=tls.CERT_NONE).wrap_socket(b, do_handshake_on_connect=False)
print(s.read(1))
a.send(b"fooba")
settle()
p = select.poll()
p.register(s, select.POLLIN)
print(evs(p.poll(1000)))
print(failure(s.read, 1))
print(evs(p.poll(0)))
print(failure(s.read, 1))
print(failure(s.write, b"x"))
print(s.close(), evs(p.poll(0)))
