"""Engine processes, and the threads and objects that talk to them."""
