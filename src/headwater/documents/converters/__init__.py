"""What makes documents of files, one kind of file each; `names` is the table."""
