"""What listens: one folder per job, one file per engine, chosen by name through `registry`."""
