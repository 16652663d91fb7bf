# Checks: a chain over a certificate that the server sends; alternative names, also with a wildcard.
# Doc: cadata: "the CA certificate chain that will validate the peer's certificate".
from ssllab import *

chain = pem("CERTIFICATE", LEAF) + pem("CERTIFICATE", MIDDLE)
for trusted, name in ((CA, "a.tls.test"), (CA, "b.w.test"), (CA, "leaf.test"), (CA, "w.test"), (MIDDLE, "a.tls.test"), (SELF, "a.tls.test")):
    c, s = wrapped(BASE + 1032, server(chain, LEAF_KEY), client(trusted), name)
    print(name, shake(c, s))
c, s = wrapped(BASE + 1032, server(LEAF, LEAF_KEY), client(CA), "a.tls.test")
print("without the middle", shake(c, s))
