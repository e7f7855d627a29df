"""What the operating system is asked for: priorities, memory, a new process, standstills."""
