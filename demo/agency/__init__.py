"""An agency's web site as its own developers would write it: Flask and Authlib, not one line of the provider's code.

`provider.py` holds everything an integrating agency needs to copy; the rest is the site around it.
"""
