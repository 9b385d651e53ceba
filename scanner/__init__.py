"""mxscan: a batch scanner of mail deployments. The picture of its floors is in DESIGN.md beside this file."""

__version__ = "0.1.0"
