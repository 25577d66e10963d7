"""What an invoice FA(3) in a foreign currency needs: the rate of each line, the tax in PLN, and both as its XML."""
