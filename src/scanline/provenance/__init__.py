"""What made a result: records, hashes of code, verification, tracking."""
