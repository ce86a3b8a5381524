"""Pure decoders: bytes in, columns out, one protocol a file."""
