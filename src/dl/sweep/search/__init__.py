"""How settings are chosen, trials ended early, and parameters weighed: Optuna's part."""
