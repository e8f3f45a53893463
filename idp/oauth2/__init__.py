"""OAuth 2.0 and its extensions, one RFC a file. Siblings are strangers; they meet in `idp/server.py`."""
