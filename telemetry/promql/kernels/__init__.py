"""Functions over windows of samples, each for all windows at once: `(windows, arguments) -> (values, present)`."""
