# Checks: a client that verifies needs server_hostname, and a server does not.
# Doc: "server_hostname must be specified when on the client side."
from ssllab import *

s = tcp()
print(failure(lambda: client().wrap_socket(s)))
print(failure(lambda: client().wrap_socket(s, do_handshake_on_connect=False)))
for mode in tls.CERT_NONE, tls.CERT_OPTIONAL:
    print(failure(lambda: client(mode=mode).wrap_socket(tcp(), do_handshake_on_connect=False)))
print(failure(lambda: server().wrap_socket(tcp(), do_handshake_on_connect=False)))
print(failure(lambda: server().wrap_socket(tcp(), server_side=True, do_handshake_on_connect=False)))
