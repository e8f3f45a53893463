"""The civil register behind one port: a SOAP client for the real service, a simulator that speaks the same."""
