"""What every vendor's operators and sensors have in common."""
