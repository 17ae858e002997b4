"""What learners would type to the functions of the banks, written by hand: the right answer, and each named mistake."""

HUBER = "def huber(prediction, target, *, delta=1.0):\n    e = np.abs(prediction - target)\n    "
LOG_COSH = "def log_cosh(prediction, target):\n    e = np.abs(prediction - target)\n    "
SPARSE = "def sparse_cross_entropy(logits, index):\n    "
PICK = "\n    def pick(a):\n        return np.take_along_axis(a, index[..., None], -1)[..., 0]\n    "
HINGE = "def hinge(score, sign):\n    "
COVARIANCE = "def covariance(x):\n    "
STEP = "def step(x, centroids):\n    "
GAPS = "d = ((x[:, None, :] - centroids[None]) ** 2).sum(-1)\n    "
GROUPS = "[x[d.argmin(axis=1) == j] for j in range(len(centroids))]"

RIGHT = {
    "huber-code": HUBER + "return np.where(e <= delta, e**2 / 2, delta * (e - delta / 2))",
    "log-cosh-code": LOG_COSH + "return e + np.log1p(np.exp(-2 * e)) - np.log(2)",
    "sparse-cross-entropy-code": SPARSE
    + PICK
    + "top = logits.max(-1, keepdims=True)\n    total = np.exp(logits - top).sum(-1)\n    "
    + "return np.log(total) + top[..., 0] - pick(logits)",
    "hinge-code": HINGE + "return torch.maximum(torch.zeros_like(score), 1 - score * sign)",
    "covariance-code": COVARIANCE
    + "z = x - np.mean(x, axis=0)\n    return np.einsum('ri,rj->ij', z, z) / (len(z) - 1)",
    "kmeans-step-code": STEP
    + "d = np.linalg.norm(x[:, None, :] - centroids[None], axis=-1)\n    "
    + f"return np.array([rows.sum(0) / len(rows) for rows in {GROUPS}])",
}

WRONG = {
    "huber-code": {
        "regression_losses.huber_negative_tail": HUBER
        + "e = prediction - target\n    return np.where(abs(e) <= delta, 0.5 * e**2, delta * e - 0.5 * delta)",
        "regression_losses.huber_whole_delta": HUBER + "return np.where(e <= delta, 0.5 * e**2, delta * e - delta**2)",
        "regression_losses.huber_square_twice": HUBER + "return np.where(e <= delta, e * e, delta * e - delta**2 / 2)",
        "regression_losses.huber_of_beta": HUBER + "return np.where(e < delta, e**2 / (2 * delta), e - delta / 2)",
    },
    "log-cosh-code": {
        "regression_losses.log_cosh_as_written": LOG_COSH + "return np.log((np.exp(e) + np.exp(-e)) / 2)",
        "regression_losses.log_cosh_without_log_2": LOG_COSH + "return np.logaddexp(e, -e)",
        "regression_losses.log_cosh_tail_everywhere": LOG_COSH + "return np.maximum(e - np.log(2), 0)",
    },
    "sparse-cross-entropy-code": {
        "classification_losses.sparse_cross_entropy_as_written": SPARSE
        + PICK
        + "p = np.exp(logits)\n    return -np.log(pick(p / p.sum(-1, keepdims=True)))",
        "classification_losses.sparse_cross_entropy_log_of_softmax": SPARSE
        + PICK
        + "p = np.exp(logits - logits.max(-1, keepdims=True))\n    return -np.log(pick(p / p.sum(-1, keepdims=True)))",
        "classification_losses.sparse_cross_entropy_half_shifted": SPARSE
        + PICK
        + "z = logits - logits.max(-1, keepdims=True)\n    return np.log(np.exp(z).sum(-1)) - pick(logits)",
        "classification_losses.sparse_cross_entropy_unshifted_back": SPARSE
        + PICK
        + "z = logits - logits.max(-1, keepdims=True)\n    return -pick(z) - np.log(np.exp(z).sum(-1))",
    },
    "hinge-code": {
        "classification_losses.hinge_without_margin": HINGE + "return torch.relu(-sign * score)",
        "classification_losses.hinge_of_the_distance": HINGE + "return abs(score - sign)",
        "classification_losses.hinge_squared": HINGE + "return torch.clamp(1 - score * sign, min=0) ** 2",
        "classification_losses.hinge_unclamped": HINGE + "return 1 - score * sign",
    },
    "covariance-code": {
        "pca.covariance_grows": COVARIANCE + "z = x - x.mean(0)\n    return z.T @ z",
        "pca.covariance_of_the_sample": COVARIANCE + "z = x - x.mean(0)\n    return (z.T @ z) / x.shape[0]",
        "pca.covariance_not_centred": COVARIANCE + "return (x.T @ x) / (x.shape[0] - 1)",
        "pca.covariance_centred_by_rows": COVARIANCE
        + "z = x - x.mean(1, keepdims=True)\n    return (z.T @ z) / (len(x) - 1)",
    },
    "kmeans-step-code": {
        "kmeans.step_to_the_median": STEP + GAPS + f"return np.array([np.median(rows, axis=0) for rows in {GROUPS}])",
        "kmeans.step_divides_by_all": STEP + GAPS + f"return np.array([rows.sum(0) / len(x) for rows in {GROUPS}])",
        "kmeans.step_forgets_the_squares": STEP
        + f"d = -2 * x @ centroids.T\n    return np.array([rows.mean(0) for rows in {GROUPS}])",
        "kmeans.step_to_the_farthest": STEP
        + GAPS
        + "far = d.argmax(axis=1)\n    return np.array([x[far == j].mean(0) for j in range(len(centroids))])",
    },
}
