"""Tables: CSV and Parquet files and scikit-learn's data sets, read into typed columns."""
