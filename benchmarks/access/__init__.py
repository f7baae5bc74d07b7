"""What authentication, restriction and audit cost: the same requests to the service with them and without, in turn."""
