"""What one person is told of one mail: the steps of a check, its answer, and why a message was not taken."""
