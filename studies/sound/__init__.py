"""The tables of sound quality: which rows there are and how they are measured."""
