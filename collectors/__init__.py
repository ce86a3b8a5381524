"""Everything that brings data in: wire decoders, push receivers, pull collectors."""
