"""The only floor that opens outgoing sockets: streams, TLS, DNS, the clock. Decisions are made elsewhere."""
