"""One domain → its mail route, one mail host → its addresses."""
