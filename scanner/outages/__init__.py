"""What is known of a portfolio from night to night: states, and the alerts that changes make."""
