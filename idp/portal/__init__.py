"""The citizen's place: services, devices, activity, profile."""
