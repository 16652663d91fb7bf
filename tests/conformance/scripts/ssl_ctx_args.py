# Checks: arguments of SSLContext and wrap_socket, and attributes that do not exist.
# Doc: class ssl.SSLContext(protocol, /); wrap_socket: "Takes a stream sock".
from ssllab import *

show("no protocol", tls.SSLContext)
show("text", tls.SSLContext, "x")
c = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
show("unknown", lambda: c.unknown)
show("verify_mode of text", setattr, c, "verify_mode", "x")
show("wrap nothing", c.wrap_socket)
show("wrap a number", lambda: c.wrap_socket(5, server_hostname="x"))
show("wrap positional", c.wrap_socket, tcp(), True)
show("set_ciphers text", c.set_ciphers, "TLS-ECDHE-ECDSA-WITH-AES-128-CBC-SHA256")
show("set_ciphers number", c.set_ciphers, 5)
show("load text", c.load_cert_chain, 5, 5)
