"""How a web worker serves: bodies, WSGI behind granian's event loop, slow readers, one granian for all cores."""
