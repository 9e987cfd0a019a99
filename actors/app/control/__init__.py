"""The control socket: how somebody outside the daemon asks it for something."""
