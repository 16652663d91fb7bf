# Checks: the peer closes its socket without close_notify between two records.
# Doc: stream.read: end of stream. Decision D41: that is the end of the stream.
from ssllab import *

a, b = pair(BASE + 926)
a.setblocking(False)
b.setblocking(False)
c = client().wrap_socket(a, server_hostname="tls.test", do_handshake_on_connect=False)
s = server().wrap_socket(b, server_side=True, do_handshake_on_connect=False)
print(shake(c, s))
c.write(b"last")
a.close()
settle()
print(get(s, 4))
print(failure(s.read, 1))
print(failure(s.read, 1))
