"""Every file format that passes between packages, and where files are stored."""
