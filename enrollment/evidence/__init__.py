"""What people show to prove who they are, one kind a file: reading it tolerantly, checking its form strictly."""
