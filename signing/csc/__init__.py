"""The Cloud Signature Consortium's API v2, as far as it is spoken here: authorization of digests, then signDoc."""
