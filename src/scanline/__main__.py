"""``python -m scanline`` is the command ``scanline``, also in a checkout that is not installed."""

from scanline.commands.main import main

if __name__ == "__main__":
    main()
