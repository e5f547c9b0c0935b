"""What other servers' clients send and expect: bytes to records, and predictions to bytes."""
