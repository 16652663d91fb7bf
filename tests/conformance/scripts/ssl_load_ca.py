# Checks: load_verify_locations takes DER or PEM, one or several certificates, and refuses other data.
# Doc: "cadata is a bytes object containing the CA certificates."
from ssllab import *

for what, data in (
    ("DER", SELF),
    ("PEM", pem("CERTIFICATE", SELF)),
    ("two", pem("CERTIFICATE", SELF) + pem("CERTIFICATE", OTHER)),
    ("bad", b"!"),
    ("a key", SELF_KEY),
    ("empty", b""),
):
    print(what, failure(client(None).load_verify_locations, data))
