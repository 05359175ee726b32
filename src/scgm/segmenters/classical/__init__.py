"""The methods of the literature that are not networks: windows around the cord in, maps out."""
