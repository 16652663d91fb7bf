# Checks: the verify callback gets each certificate, from the authority down, and may refuse.
# Doc: none; the attribute verify_callback of the implementation.
from ssllab import *

names = {CA: "CA", MIDDLE: "MIDDLE", LEAF: "LEAF", SELF: "SELF"}
chain = pem("CERTIFICATE", LEAF) + pem("CERTIFICATE", MIDDLE)
for mode, trusted, answer in (
    (tls.CERT_REQUIRED, CA, 0),
    (tls.CERT_OPTIONAL, CA, 0),
    (tls.CERT_OPTIONAL, SELF, 0),
    (tls.CERT_NONE, CA, 1),
    (tls.CERT_OPTIONAL, CA, -0x3000),
    (tls.CERT_REQUIRED, CA, -0x3000),
):
    seen = []

    def callback(cert, depth):
        seen.append((names.get(bytes(cert)), depth))
        return answer

    cctx = client(trusted, mode)
    print(cctx.verify_callback)
    cctx.verify_callback = callback
    print(cctx.verify_callback is callback)
    c, s = wrapped(BASE + 922, server(chain, LEAF_KEY), cctx, "a.tls.test")
    print(mode, shake(c, s)[0], seen)

# A handshake at once, refused with 1. (The unix port takes a positive number for success if the
# handshake is deferred.)
import _thread

a, b = pair(BASE + 1034)
_thread.start_new_thread(lambda: failure(lambda: server(chain, LEAF_KEY).wrap_socket(b, server_side=True)), ())
cctx = client(CA)
cctx.verify_callback = lambda cert, depth: 1
print(failure(lambda: cctx.wrap_socket(a, server_hostname="a.tls.test")))
