"""The parameters of layers and their cells."""

from __future__ import annotations

from collections.abc import Mapping

from dl.vocabulary.spec import Kind
from dl.vocabulary.tables.ranges import (
    ABOVE_ZERO,
    ANY_NUMBER,
    BOOLEAN,
    COUNT,
    DTYPE,
    INTEGER,
    NAME,
    NOT_NEGATIVE,
    NUMBERS,
    SHARE,
    SHARE_BELOW_ONE,
    Row,
    borders,
    size,
)
from dl.vocabulary.types import Choice, Integer, ListOf, Nullable, Object, OneOf, Text

RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
RECURRENT_LAYER = Object(Kind.LAYER, only=RECURRENT)

_INNER_LAYER = Object(Kind.LAYER, never=("Input",))
_EQUATION = Text("an equation such as `ab,bc->ac`", r"[A-Za-z.]+,[A-Za-z.]+->[A-Za-z.]+")
_INITIALIZER = Object(Kind.INITIALIZER)
_REGULARIZER = Nullable(Object(Kind.REGULARIZER))
_CONSTRAINT = Nullable(Object(Kind.CONSTRAINT))
_ACTIVATION = Object(Kind.ACTIVATION, default="linear")


def _weights(part: str, words: str) -> dict[str, Row]:
    return {
        f"{part}_initializer": (_INITIALIZER, f"First values of {words}."),
        f"{part}_regularizer": (_REGULARIZER, f"Penalty on {words}."),
        f"{part}_constraint": (_CONSTRAINT, f"What is enforced on {words} after each step."),
    }


LAYERS: Mapping[str, Row] = {
    "activation": (_ACTIVATION, "Activation of the output; none is linear."),
    "activity_regularizer": (_REGULARIZER, "Penalty on the output."),
    "recurrent_activation": (_ACTIVATION, "Activation of the gates."),
    **_weights("kernel", "the weights"),
    **_weights("bias", "the bias"),
    **_weights("recurrent", "the weights of the state"),
    **_weights("depthwise", "the weights of each channel"),
    **_weights("pointwise", "the weights that mix the channels"),
    **_weights("embeddings", "the vectors"),
    **_weights("beta", "the learned offset"),
    **_weights("gamma", "the learned scale"),
    **_weights("alpha", "the learned slope"),
    "moving_mean_initializer": (_INITIALIZER, "First values of the running mean."),
    "moving_variance_initializer": (_INITIALIZER, "First values of the running variance."),
    "axis": (INTEGER, "The axis concerned; -1 is the last."),
    "backward_layer": (
        Nullable(RECURRENT_LAYER),
        "The layer for the backward direction; none is a copy.",
    ),
    "bias_axes": (Nullable(Text("letters of the output", "[A-Za-z]+")), "Axes that have a bias."),
    "bin_boundaries": (ListOf(ANY_NUMBER), "Limits between the bins, in rising order."),
    "bins": (COUNT, "Number of bins."),
    "cell": (OneOf((Object(Kind.CELL), ListOf(Object(Kind.CELL)))), "The cell, or a list of them."),
    "cells": (ListOf(Object(Kind.CELL)), "The cells, from input to output."),
    "center": (BOOLEAN, "Learn an offset."),
    "cropping": (borders, "How much to cut off at each border."),
    "data_format": (
        Nullable(Choice(("channels_last", "channels_first"))),
        "Where the channels stand in the shape; none is channels_last.",
    ),
    "depth_multiplier": (COUNT, "Outputs for each input channel."),
    "dilation_rate": (size, "Distance between the points that the kernel sees."),
    "dims": (ListOf(COUNT), "New order of the axes, counted from 1."),
    "dropout": (SHARE_BELOW_ONE, "Share of the inputs set to zero."),
    "epsilon": (ABOVE_ZERO, "Small number that prevents division by zero."),
    "equation": (_EQUATION, "Einstein summation, such as `ab,bc->ac`."),
    "expand_dims": (BOOLEAN, "Add an axis to the output."),
    "fft_length": (Nullable(COUNT), "Length of the Fourier transform."),
    "filters": (COUNT, "Number of output channels."),
    "frame_length": (COUNT, "Length of a window."),
    "frame_step": (Nullable(COUNT), "Distance between two windows."),
    "go_backwards": (BOOLEAN, "Read the sequence from its end."),
    "groups": (COUNT, "Groups of channels that do not mix."),
    "height": (COUNT, "Height in pixels."),
    "input_dim": (COUNT, "Number of different whole numbers in the input."),
    "interpolation": (Choice(("bilinear", "nearest")), "How pixels are interpolated."),
    "invert": (BOOLEAN, "Do the inverse."),
    "keepdims": (BOOLEAN, "Keep the axes that are pooled, with length 1."),
    "kernel_size": (size, "Size of the window."),
    "layer": (_INNER_LAYER, "The layer inside."),
    "layers": (ListOf(_INNER_LAYER), "The layers inside, from input to output."),
    "logit_soft_cap": (Nullable(ABOVE_ZERO), "Largest absolute value of the logits."),
    "mask_zero": (BOOLEAN, "Treat 0 as padding."),
    "merge_mode": (Choice(("sum", "mul", "concat", "ave")), "How both directions are joined."),
    "n": (COUNT, "How often the input is repeated."),
    "name": (Nullable(NAME), "Name of the layer."),
    "negative_slope": (NOT_NEGATIVE, "Slope below the threshold."),
    "noise_shape": (
        Nullable(ListOf(Nullable(COUNT))),
        "Shape of the mask, with the batch first; an axis of 1 shares it.",
    ),
    "offset": (NUMBERS, "What is added after scaling."),
    "output_dim": (COUNT, "Length of the vectors."),
    "output_padding": (lambda rank: Nullable(size(rank, 0)), "Extra size of the output."),
    "output_size": (size, "Size of the output."),
    "padding": (Choice(("valid", "same")), "`same` pads the borders, `valid` does not."),
    "pool_size": (size, "Size of the window."),
    "power_iterations": (COUNT, "Steps of the power iteration."),
    "rate": (SHARE_BELOW_ONE, "Share of the inputs set to zero."),
    "recurrent_dropout": (SHARE_BELOW_ONE, "Share of the state set to zero."),
    "renorm": (BOOLEAN, "Use batch renormalisation."),
    "renorm_momentum": (SHARE, "Momentum of the running renormalisation."),
    "reset_after": (BOOLEAN, "Apply the reset gate after the matrix product."),
    "return_sequences": (BOOLEAN, "Give the output of each step, not only of the last."),
    "reverse_dtype": (Nullable(DTYPE), "Type of numbers of the reverse projection."),
    "shape": (ListOf(Nullable(COUNT), minimum=0), "Shape of one row."),
    "shared_axes": (Nullable(ListOf(COUNT)), "Axes that share a slope, counted from 1."),
    "size": (size, "How often each row and column is repeated."),
    "strides": (size, "Step of the window."),
    "synchronized": (BOOLEAN, "Share the statistics between devices."),
    "target_shape": (
        ListOf(OneOf((COUNT, Integer(-1, -1))), minimum=0),
        "New shape of one row; -1 is what is left.",
    ),
    "tie_weights": (BOOLEAN, "Use the same weights in reverse."),
    "trainable": (BOOLEAN, "Whether training changes the weights."),
    "unit_forget_bias": (BOOLEAN, "Start the bias of the forget gate at 1."),
    "units": (COUNT, "Number of outputs."),
    "unroll": (BOOLEAN, "Unroll the loop over the steps."),
    "use_bias": (BOOLEAN, "Add a bias."),
    "use_cudnn": (OneOf((BOOLEAN, Choice(("auto",)))), "Use the GPU's own kernel."),
    "width": (COUNT, "Width in pixels."),
    "zero_output_for_mask": (BOOLEAN, "Give zeros for masked steps."),
}
