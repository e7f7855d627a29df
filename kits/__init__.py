"""What a kit is: layers of strokes for all lanes, which stroke a hit takes, and kit files of encoded strokes."""
