"""What tests share: small data, configs, runs and sweeps, a browser, the cases of faults."""
