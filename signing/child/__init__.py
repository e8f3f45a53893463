"""What runs in the limited child: everything that parses a PDF."""
