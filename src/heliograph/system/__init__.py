"""System metrics: the machine and this process, read with psutil."""
