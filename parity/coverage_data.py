"""What coverage counts: the documented tables, name by name, and what is left out with the reason."""

from __future__ import annotations


def _names(text: str, prefix: str = "") -> tuple[str, ...]:
    return tuple(prefix + name for name in text.split())


# Names whose functions and methods must all be there: the core of the API.
TABLES: dict[str, tuple[str, ...]] = {
    "creation": _names(
        """tensor empty zeros ones arange linspace logspace eye full rand randn randint randperm
        normal bernoulli multinomial empty_like zeros_like ones_like full_like rand_like randn_like
        randint_like complex polar from_numpy as_strided tril_indices triu_indices load save"""
    ),
    "indexing, joining, splitting": _names(
        """cat concat chunk tensor_split gather index_select masked_select narrow nonzero reshape
        view view_as split squeeze stack hstack vstack dstack t take take_along_dim transpose
        swapaxes movedim permute unbind unsqueeze where scatter scatter_add index_add index_copy
        index_fill index_put masked_fill masked_scatter unfold expand expand_as repeat tile
        contiguous clone"""
    ),
    "pointwise": _names(
        """add sub div mul neg reciprocal true_divide ceil clamp floor floor_divide fmod frac lerp
        remainder round sigmoid trunc abs angle conj imag real sgn sign acos asin atan atan2 cos cosh
        acosh asinh atanh deg2rad rad2deg sin sinh sinc tan tanh exp exp2 expm1 log log10 log1p log2
        logaddexp logaddexp2 pow float_power rsqrt sqrt square xlogy logit logical_and logical_not
        logical_or logical_xor addcdiv addcmul bitwise_and bitwise_not bitwise_or bitwise_xor
        bitwise_left_shift bitwise_right_shift erf erfc erfinv digamma lgamma mvlgamma polygamma
        hypot copysign heaviside maximum minimum fmax fmin nan_to_num gcd lcm nextafter ldexp frexp
        i0 relu softmax log_softmax"""
    ),
    "reductions": _names(
        """argmax argmin amax amin aminmax all any dist logsumexp mean nanmean median nanmedian mode
        norm prod std std_mean sum nansum unique unique_consecutive var var_mean count_nonzero
        quantile nanquantile"""
    ),
    "comparison": _names(
        """eq ge gt le lt ne isclose isfinite isinf isposinf isneginf isnan isreal isin allclose equal
        is_tensor is_floating_point is_complex is_nonzero argsort kthvalue max min sort msort topk
        searchsorted bucketize"""
    ),
    "linear algebra": _names(
        """matmul chain_matmul mm addmm bmm addbmm baddbmm mv addmv matrix_power dot vdot inner outer
        ger addr inverse pinverse det logdet slogdet svd pca_lowrank svd_lowrank cholesky
        cholesky_inverse cholesky_solve qr lu lu_solve triangular_solve lstsq kron trace"""
    )
    + _names(
        """eig eigh eigvals eigvalsh solve solve_triangular inv pinv det slogdet svd svdvals qr
        cholesky lu lstsq matrix_norm vector_norm norm cond matrix_rank matrix_power matrix_exp
        multi_dot cross tensorsolve tensorinv""",
        "linalg.",
    ),
    "spectral": _names(
        """fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn fftfreq
        rfftfreq fftshift ifftshift""",
        "fft.",
    )
    + _names(
        """stft istft bartlett_window blackman_window hamming_window hann_window kaiser_window"""
    ),
    "other": _names(
        """histc histogram bincount cummax cummin cumprod cumsum logcumsumexp diff einsum tensordot
        cdist renorm cross cartesian_prod combinations diag diag_embed diagflat diagonal flatten
        unflatten ravel flip fliplr flipud rot90 repeat_interleave meshgrid roll tril triu vander
        trapezoid block_diag broadcast_tensors broadcast_to broadcast_shapes result_type
        promote_types can_cast finfo iinfo numel element_size"""
    ),
    "nn.functional": _names(
        """gelu silu elu selu celu leaky_relu prelu softplus softsign hardtanh hardsigmoid hardswish
        relu6 mish logsigmoid threshold glu softmin gumbel_softmax one_hot pad unfold fold interpolate
        conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d max_pool1d max_pool2d
        max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d
        adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d batch_norm
        layer_norm group_norm instance_norm normalize cosine_similarity pairwise_distance embedding
        linear bilinear dropout alpha_dropout dropout1d dropout2d dropout3d feature_alpha_dropout
        kl_div huber_loss hinge_embedding_loss triplet_margin_loss poisson_nll_loss gaussian_nll_loss
        multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss
        scaled_dot_product_attention""",
        "nn.functional.",
    ),
}

# reason -> names (shell patterns, "namespace:pattern" for one namespace alone).  They are not counted.
# Besides them, functions of torch itself that carry no documentation: its kernels for its own use.
UNDOCUMENTED = "kernels without documentation"
EXCLUDED: dict[str, tuple[str, ...]] = {
    "other devices and backends": _names(
        """*cuda* *cudnn* miopen* *mkldnn* *vulkan* *xla* ipu *_ipu *_ipu_* xpu *_xpu *_mps *mtia* hpu
        is_hpu is_maia is_meta record_stream pin_memory is_pinned *fbgemm* get_device_module"""
    ),
    "sparsity": _names(
        """*sparse* *coalesce* ccol_indices* crow_indices* col_indices* row_indices* Tensor:indices
        Tensor:values indices_copy values_copy smm sspaddmm spmm hspmm hsmm dsmm saddmm
        to_padded_tensor is_nested *nested*"""
    ),
    "quantization": _names(
        """*quantize* q_* qscheme int_repr choose_qparams* fused_moving_avg* quantized* *qint*
        fake_quant* *scaled_mm *scaled_grouped_mm grouped_mm"""
    ),
    "named dims": _names(
        """names rename rename_ refine_names align_to align_as align_tensors Tensor:name"""
    ),
    "autocast, compilation, symbolic shapes": _names(
        """*autocast* torch:compile *script* torch:cond while_loop sym_* import_ir_module*
        parse_* merge_type* unify_type_list compiled_with_cxx11_abi get_file_path
        *torch_function* boolean_dispatch assert_int_or_pair classproperty
        prepare_multiprocessing* torch:fork torch:wait"""
    ),
    "a type that NumPy lacks": ("chalf", "bfloat16"),
}
