"""Columns to numbers: `learn_features` on the training rows, `transform` for any rows."""

from dl.data.preprocessing.learn import learn_features
from dl.data.preprocessing.missing import drop_missing
from dl.data.preprocessing.transform import feature_names, transform

__all__ = ["drop_missing", "feature_names", "learn_features", "transform"]
