"""Whether evidence and person belong together: what the register says, what an officer sees."""
