"""The main window: its menus, docks and status bar, and how it closes."""
