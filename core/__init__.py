"""The ground every room stands on: settings, time, storage, one-time use, audit, the web's manners.

Nothing here knows citizens, clients or documents. Imports go down to `core`, never up from it.
"""
