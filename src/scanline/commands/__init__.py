"""The command ``scanline``: what a person does with trained models, without writing a program."""
