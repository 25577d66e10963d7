"""The writer of closed years as files: a folder that a proxy, an object store or a CDN serves without Charon."""
