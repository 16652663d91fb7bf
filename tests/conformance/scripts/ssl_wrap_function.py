# Checks: ssl.wrap_socket with all its arguments.
# Doc: "first create an SSLContext and then call the SSLContext.wrap_socket method".
from ssllab import *

a, b = pair(BASE + 904)
a.setblocking(False)
b.setblocking(False)
c = ssl.wrap_socket(a, cert_reqs=ssl.CERT_REQUIRED, cadata=SELF, server_hostname="tls.test", do_handshake=False)
s = ssl.wrap_socket(b, server_side=True, key=SELF_KEY, cert=SELF, do_handshake=False)
print(shake(c, s))
print(failure(lambda: ssl.wrap_socket(tcp(), key=b"!", do_handshake=False)))
print(failure(lambda: ssl.wrap_socket(tcp(), key=SELF_KEY, cert=b"!", do_handshake=False)))
print(failure(lambda: ssl.wrap_socket(tcp(), cadata=b"!", do_handshake=False)))
print(failure(lambda: ssl.wrap_socket(tcp(), cert_reqs=ssl.CERT_REQUIRED, do_handshake=False)))
