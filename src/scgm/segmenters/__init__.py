"""The methods that find cord and gray matter: protocol, registry, and each of them."""
