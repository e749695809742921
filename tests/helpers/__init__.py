"""What several tests share: actions on the window, events of a run, an HTTP server, a program to drag from."""
