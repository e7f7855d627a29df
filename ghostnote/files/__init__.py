"""Every file format that crosses a border, and where files lie."""
