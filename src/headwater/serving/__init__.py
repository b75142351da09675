"""Models behind HTTP, for the clients that people have (`headwater serve`)."""
