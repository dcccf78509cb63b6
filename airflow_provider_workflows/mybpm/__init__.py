"""MyBPM: upsert business-object instances (BOIs) and wait for their fields and states."""
