"""The methods of the literature that are not networks: slices around the cord in, maps out."""
