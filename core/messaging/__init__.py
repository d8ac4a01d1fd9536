"""Mail and text messages: what leaves the server for a person."""
