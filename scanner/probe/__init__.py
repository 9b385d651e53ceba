"""One session with one server: a dialogue over a peer, with deadlines and a transcript."""
