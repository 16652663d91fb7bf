# Checks: a key that does not belong to the certificate fails in the handshake, not before.
# Doc: none; mbedtls does not compare them.
from ssllab import *

sctx = server(SELF, OTHER_KEY)
c, s = wrapped(BASE + 928, sctx, client(), "tls.test")
print([x and x.split(" ")[0] for x in shake(c, s)])
sctx = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
c, s = wrapped(BASE + 928, sctx, client(), "tls.test")
print([x and x.split(" ")[0] for x in shake(c, s)])
