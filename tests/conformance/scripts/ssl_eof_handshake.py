# Checks: a peer that closes in the handshake is CONN_EOF, and the socket below stays open.
# Doc: Exceptions: "OSError is used".
from ssllab import *

a, b = pair(BASE + 914)
a.close()
print(failure(lambda: server().wrap_socket(b, server_side=True)))
print(b.fileno() >= 0)
a, b = pair(BASE + 914)
b.setblocking(False)
s = server().wrap_socket(b, server_side=True, do_handshake_on_connect=False)
print(failure(s.read, 1))
a.close()
settle()
print(failure(s.read, 1))
print(failure(s.read, 1))
print(failure(s.write, b"x"))
