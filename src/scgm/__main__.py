"""``python -m scgm`` is the same as ``scgm``."""

from scgm.cli.main import main

if __name__ == "__main__":
    main()
