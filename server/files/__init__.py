"""What `ghostnote render` is: performances to sound files."""
