"""Where settings come from: arguments, environment, files, presets; and which won."""
