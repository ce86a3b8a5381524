"""Back-tests of scaling policies over load from our own store: asked, run, kept under an address of their own."""
