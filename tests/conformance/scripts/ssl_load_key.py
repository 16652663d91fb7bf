# Checks: keys and certificates are parsed when they are loaded, the key first. The call does not
# check whether they belong together.
# Doc: load_cert_chain: "Load a private key and the corresponding certificate."
from ssllab import *

c = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
for what, cert, key in (
    ("fine", SELF, SELF_KEY),
    ("PKCS8", SELF, SELF_KEY8),
    ("PEM", pem("CERTIFICATE", SELF), pem("EC PRIVATE KEY", SELF_KEY)),
    ("PEM PKCS8", pem("CERTIFICATE", SELF), pem("PRIVATE KEY", SELF_KEY8)),
    ("a chain", pem("CERTIFICATE", LEAF) + pem("CERTIFICATE", MIDDLE), LEAF_KEY),
    ("key bad", SELF, b"!"),
    ("cert bad", b"!", SELF_KEY),
    ("both bad", b"!", b"!"),
    ("key is a cert", SELF, SELF),
    ("cert is a key", SELF_KEY, SELF_KEY),
    ("empty key", SELF, b""),
    ("empty cert", b"", SELF_KEY),
    ("exchanged", SELF_KEY, SELF),
    ("of another", SELF, OTHER_KEY),
):
    c = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    print(what, failure(c.load_cert_chain, cert, key))
