"""The citizen's place, `/me`: which services know what, which passkeys open the door, and what has happened."""
