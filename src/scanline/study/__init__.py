"""The study that a config describes: is it valid, and what does each stage get?"""
