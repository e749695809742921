"""Files that try to run code, to crash, to hang or to eat memory, and the readers that open them under watch."""
