"""Sources whose rows are arrays: `.npz` files, image folders, Keras' data sets, made-up rows.

Each source function returns `RawParts` of `RawArrays`; `prepare` turns those into the model's `x`.
"""
