"""The recorder `opentelemetry-sdk`: the official SDK, built from our settings and handing over to our pipelines."""
