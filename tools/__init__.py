"""What a developer runs beside the suite; no part of the service."""
