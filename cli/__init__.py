"""The command line `ghostnote`: the composition root, one small file per group of subcommands."""
