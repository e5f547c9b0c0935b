"""Pure: what the data, the models and the decisions are. No I/O."""
