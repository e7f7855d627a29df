"""What concerns the operating system: priorities, memory, restarting the process, stalls."""
