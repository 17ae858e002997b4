"""Promises of k-means alone: what scikit-learn finds, from rows of any kind, in parts and over ranks."""

import os
import subprocess
import sys
import time
import warnings
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import chisquare
from sklearn import datasets, metrics
from sklearn.cluster import KMeans, MiniBatchKMeans, kmeans_plusplus
from torch import distributed
from torch.testing import assert_close

from allocations import watched
from dlref import _nearest, _passes, _workers
from dlref._batches import Batches
from dlref._passes import Passes
from dlref._seeding import at_random
from dlref.kmeans import (
    assign,
    elbow,
    k_medians,
    kmeans,
    kmeans_plus_plus,
    minibatch_kmeans,
    minibatch_step,
    silhouette,
    spherical_kmeans,
    step,
    whitening,
)

RANK = Path(__file__).resolve().parents[1] / "ranks" / "kmeans.py"
REAL = ["digits", "iris", "wine", "breast_cancer"]


@pytest.fixture(autouse=True)
def shared_out(monkeypatch):
    """Even few rows are shared out among the workers."""
    monkeypatch.setattr(_workers, "SMALL", 1)


@pytest.fixture(params=[1, 10**6], ids=["many", "few"])
def either_way(request, monkeypatch):
    """The nearest of few centroids is found in another way than that of many."""
    monkeypatch.setattr(_nearest, "FEW", request.param)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def blobs(rows=600, width=3, k=4, dtype=torch.float64, seed=0):
    """Draw rows around k centres, far from 0."""
    centers = 6 * torch.randn(k, width, generator=seeded(seed), dtype=torch.float64) + 50
    which = torch.randint(k, (rows,), generator=seeded(seed + 1))
    noise = torch.randn(rows, width, generator=seeded(seed + 2), dtype=torch.float64)
    return (centers[which] + noise).to(dtype)


def start_of(x, k, seed=0):
    """Take means of a few rows each: no row is equally far from two of them."""
    drawn = torch.randint(len(x), (k, 3), generator=seeded(seed))
    return x[drawn].double().mean(1).to(x.dtype)


def peer(x, start, **options):
    return KMeans(len(start), init=start.numpy(), n_init=1, **options).fit(x.numpy())


def held_to(found, oracle, rel):
    assert found.labels.tolist() == oracle.labels_.tolist()
    assert found.iterations == oracle.n_iter_
    assert float(found.inertia) == pytest.approx(oracle.inertia_, rel=rel)
    scale = max(1.0, np.abs(oracle.cluster_centers_).max())
    assert np.abs(found.centroids.numpy() - oracle.cluster_centers_).max() <= 20 * rel * scale


# Equal to scikit-learn's


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize(("k", "seed"), [(3, 0), (8, 1)])
def test_real_data_falls_into_scikit_learns_clusters(name, k, seed, dtype):
    x = torch.from_numpy(getattr(datasets, f"load_{name}")().data).to(dtype)
    start = start_of(x, k, seed)

    held_to(kmeans(x, k, init=start), peer(x, start), 1e-9 if dtype == torch.float64 else 1e-5)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    "options", [{}, {"tolerance": 0.0}, {"tolerance": 0.1}, {"max_iterations": 1}, {"max_iterations": 3}], ids=str
)
@pytest.mark.parametrize("k", [1, 2, 5, 40])
def test_it_ends_where_and_when_scikit_learn_does(k, options, dtype):
    x = torch.rand(500, 4, generator=seeded(k), dtype=torch.float64).to(dtype)
    start = start_of(x, k)
    theirs = {"tolerance": "tol", "max_iterations": "max_iter"}
    with warnings.catch_warnings(action="ignore"):  # it warns where it stops at the limit
        oracle = peer(x, start, **{theirs[name]: number for name, number in options.items()})

    held_to(kmeans(x, k, init=start, **options), oracle, 1e-9 if dtype == torch.float64 else 1e-5)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("far", [1, 2])
def test_a_centroid_without_rows_goes_where_scikit_learn_puts_it(far, dtype):
    x = blobs(dtype=dtype)
    start = start_of(x, 5)
    start[:far] += 1000 * torch.arange(1, far + 1)[:, None]

    held_to(kmeans(x, 5, init=start, max_iterations=1), peer(x, start, max_iter=1, tol=1e9), 1e-5)
    held_to(kmeans(x, 5, init=start), peer(x, start), 1e-9 if dtype == torch.float64 else 1e-5)


@pytest.mark.usefixtures("either_way")
def test_a_row_between_two_centroids_goes_to_the_first(dtype):
    x = torch.tensor([[-1.0], [0.0], [1.0]], dtype=dtype)
    for ends in ([[-1.0], [1.0]], [[1.0], [-1.0]]):
        start = torch.tensor(ends, dtype=dtype)

        assert assign(x, start).labels[1] == 0
        held_to(kmeans(x, 2, init=start), peer(x, start), 1e-9)


def test_fewer_different_rows_than_centroids():
    """The farthest row lies at 0, so there is nowhere to go: such a centroid lies on the one with the most rows."""
    x = torch.tensor([[0.0, 0.0]] * 3 + [[4.0, 0.0]] * 2, dtype=torch.float64)
    start = torch.tensor([[0.0, 0.0], [4.0, 0.0], [9.0, 9.0]], dtype=torch.float64)
    with warnings.catch_warnings(action="ignore"):  # it warns of duplicates
        oracle = peer(x, start)
    found = kmeans(x, 3, init=start)

    held_to(found, oracle, 1e-9)
    assert_close(found.centroids[2], x[0])
    for init in ("k-means++", "random"):
        assert kmeans(x, 4, init=init, generator=seeded()).inertia < 1e-20
    assert kmeans(torch.ones(5, 2), 3, generator=seeded()).inertia < 1e-20


def test_rows_far_from_zero_keep_their_digits():
    """Where the mean is 1e4 and the clusters are 1 apart, |x|² in float32 has no digit left for the distance."""
    x = blobs(400, 2, 3) / 6 + 1e4
    start = start_of(x, 3)
    low, high = (kmeans(x.to(dtype), 3, init=start.to(dtype)) for dtype in (torch.float32, torch.float64))
    naive = (start.square().sum(1) - 2 * x @ start.T).argmin(1)
    rough = (start.float().square().sum(1) - 2 * x.float() @ start.float().T).argmin(1)

    assert (rough != naive).any()
    assert (low.labels == high.labels).double().mean() > 0.99
    assert_close(low.centroids.double(), high.centroids, rtol=1e-6, atol=0)


def test_many_rows_are_added_up_without_loss():
    """In float32 alone the sums would be off by 4 in 10,000: beyond 32768 they go on in steps of 1/256."""
    x = torch.tensor([1.1, -1.1]).repeat(100_000)[:, None]
    start = torch.cat([torch.tensor([[1.0], [-1.0]]), torch.full((_nearest.FEW, 1), 99.0)])
    sums, counts = Passes("kmeans", x).totals(start)

    assert counts[:3].tolist() == [100_000, 100_000, 0]
    assert_close(sums[:2, 0], torch.tensor([1.1e5, -1.1e5], dtype=torch.float64), rtol=1e-4, atol=0)


def test_the_inertia_never_rises(dtype):
    x = blobs(dtype=dtype)
    centroids, before = start_of(x, 6), torch.inf
    for _ in range(12):
        inertia = assign(x, centroids).inertia
        assert inertia <= before * (1 + 1e-6)
        centroids, before = step(x, centroids), inertia
    assert_close(kmeans(x, 6, init=start_of(x, 6), max_iterations=12, tolerance=0).centroids, centroids)


def test_total_is_within_plus_between():
    x = blobs()
    found = kmeans(x, 4, generator=seeded())
    sizes = found.labels.bincount()[:, None]
    between = (sizes * (found.centroids - x.mean(0)).square()).sum()

    assert_close((x - x.mean(0)).square().sum(), found.inertia + between)


def test_restarts_keep_the_best(dtype):
    x, source = blobs(300, 2, 8, dtype=dtype), seeded(3)
    alone = [kmeans(x, 8, init="random", generator=source) for _ in range(6)]
    best = kmeans(x, 8, init="random", restarts=6, generator=seeded(3))

    assert len({float(run.inertia) for run in alone}) > 1
    assert best.inertia == min(run.inertia for run in alone)
    assert kmeans(x, 8, generator=seeded(1)).labels.equal(kmeans(x, 8, generator=seeded(1)).labels)


# Where to start


CORNERS = np.array([[0.0], [1.0], [3.0], [7.0]])


def chances(x, k, trials):
    """The chance of each sequence of k seeds by k-means++, worked out over every candidate that can be drawn."""
    found = {}

    def go_on(chosen, chance):
        if len(chosen) == k:
            found[chosen] = found.get(chosen, 0) + chance
            return
        near = np.array([min(((x[i] - x[c]) ** 2).sum() for c in chosen) if chosen else 1.0 for i in range(len(x))])
        share = near / near.sum()
        gaps = cdist(x, x) ** 2
        left = [np.minimum(near if chosen else np.inf, gaps[i]).sum() for i in range(len(x))]
        count = trials if chosen else 1
        for i in range(len(x)):  # i is taken where every candidate is no better, and one is i
            worse = sum(share[j] for j in range(len(x)) if left[j] > left[i] + 1e-12)
            equal = worse + sum(share[j] for j in range(len(x)) if abs(left[j] - left[i]) <= 1e-12)
            tied = sum(share[j] for j in range(len(x)) if abs(left[j] - left[i]) <= 1e-12)
            if share[i] > 0:
                go_on((*chosen, i), chance * (equal**count - worse**count) * share[i] / tied)

    go_on((), 1.0)
    return found


@pytest.mark.parametrize(("k", "trials"), [(2, 1), (3, 1), (2, None), (3, None)])
def test_k_means_plus_plus_draws_by_its_law(k, trials):
    """Ours and scikit-learn's are both held to the law: without trials, as here, it is scikit-learn's default."""
    law = chances(CORNERS, k, trials or 2 + int(np.log(k)))
    orders = [order for order in permutations(range(4), k) if law.get(order, 0) > 0]
    source, state, draws = seeded(5), np.random.RandomState(5), 400
    ours = [
        tuple(kmeans_plus_plus(torch.from_numpy(CORNERS), k, trials=trials, generator=source)[:, 0].tolist())
        for _ in range(draws)
    ]
    theirs = [
        tuple(kmeans_plusplus(CORNERS, k, random_state=state, n_local_trials=trials)[0][:, 0]) for _ in range(draws)
    ]

    for seen in (ours, theirs):
        counts = [seen.count(tuple(CORNERS[list(order), 0])) for order in orders]
        expected = np.array([law[order] for order in orders]) * draws
        rare = expected < 5
        counts = [*np.array(counts)[~rare], np.array(counts)[rare].sum()] if rare.any() else counts
        expected = [*expected[~rare], expected[rare].sum()] if rare.any() else expected
        assert sum(counts) == draws
        assert chisquare(counts, expected).pvalue > 1e-3


def test_k_means_plus_plus_takes_k_different_rows(dtype):
    x = blobs(200, dtype=dtype)
    seeds = kmeans_plus_plus(x, 50, generator=seeded())

    assert len(seeds.unique(dim=0)) == 50
    assert all((x == row).all(1).any() for row in seeds)


def test_a_random_start_is_any_set_of_rows():
    passes, source = Passes("kmeans", torch.arange(5.0)[:, None]), seeded(1)
    sets = [frozenset((at_random(passes, 2, source)[:, 0] + 2).tolist()) for _ in range(600)]
    counts = [sets.count(each) for each in {*sets}]
    assert {len(each) for each in sets} == {2}
    assert len(counts) == 10
    assert chisquare(counts).pvalue > 1e-3


# Rows of any kind


class Once:
    """Rows as batches of uneven sizes, counted as they are read."""

    def __init__(self, x, sizes=(70, 1, 0, 300)):
        self.x, self.sizes, self.readings = x, sizes, 0

    def __iter__(self):
        self.readings += 1
        yield from self.x.split([*self.sizes, len(self.x) - sum(self.sizes)])


def test_batches_arrays_and_mapped_files_are_the_matrix(tmp_path, dtype):
    x = blobs(dtype=dtype)
    mapped = np.memmap(tmp_path / "rows", x.numpy().dtype, "w+", shape=tuple(x.shape))
    mapped[:] = x
    mapped.flush()
    read = np.memmap(tmp_path / "rows", x.numpy().dtype, "r", shape=tuple(x.shape))
    whole = kmeans(x, 4, generator=seeded(2))
    for rows in (Once(x), x.numpy(), read, list(read.reshape(6, 100, 3)), x.T.contiguous().T, [x]):
        parts = kmeans(rows, 4, generator=seeded(2))

        assert parts.labels.equal(whole.labels)
        assert parts.iterations == whole.iterations
        assert_close(parts.centroids, whole.centroids, rtol=1e-6, atol=0)
        assert_close(parts.inertia, whole.inertia, rtol=1e-5, atol=0)


def test_one_iteration_is_one_reading():
    x = torch.rand(600, 3, generator=seeded())
    start = start_of(x, 4)
    few, many = Once(x), Once(x)
    first = kmeans(few, 4, init=start, max_iterations=2, tolerance=0)
    second = kmeans(many, 4, init=start, max_iterations=5, tolerance=0)

    assert (first.iterations, second.iterations) == (2, 5)
    assert many.readings - few.readings == 3


@pytest.mark.parametrize("small", [1, 10**9])
def test_threads_change_nothing(small, monkeypatch):
    monkeypatch.setattr(_workers, "SMALL", small)
    x, before = torch.randn(9000, 5, generator=seeded()), torch.get_num_threads()
    start, found = start_of(x, 7), []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        try:
            found.append(kmeans(x, 7, init=start, max_iterations=5))
            assert torch.get_num_threads() == threads
        finally:
            torch.set_num_threads(before)
    for each in found[1:]:
        assert each.labels.equal(found[0].labels)
        assert_close(each.centroids, found[0].centroids, rtol=1e-6, atol=1e-6)


def test_labels_may_be_left_out():
    x, start = blobs(), start_of(blobs(), 4)
    with_labels, without = (kmeans(x, 4, init=start, keep_labels=keep) for keep in (True, False))

    assert without.labels.shape == (0,)
    assert without.inertia == with_labels.inertia
    assert without.centroids.equal(with_labels.centroids)


def test_nothing_of_rows_times_clusters_is_held():
    x = torch.randn(60_000, 8, generator=seeded())
    start = x[:500].clone()

    assert watched(lambda: kmeans(x, 500, init=start, max_iterations=2), x).numbers <= 2**18 < 60_000 * 500 / 100
    assert watched(lambda: kmeans_plus_plus(x, 5, generator=seeded()), x).numbers <= 2**17 < 60_000 * 5 / 2
    assert watched(lambda: silhouette(x[:4000], (x[:4000, 0] > 0).long()), x).numbers <= 1024 * 1024


def test_memory_is_the_same_for_any_number_of_batches():
    rows = blobs(100)
    few, many = (
        watched(lambda n=n: kmeans([rows] * n, 4, init=rows[:4], keep_labels=False), rows).numbers for n in (3, 300)
    )

    assert few == many


def test_an_iteration_waits_for_the_device_once():
    """With few centroids a processor goes a way of its own, where there is nothing to wait for."""
    x, k = torch.rand(600, 3, generator=seeded()), _nearest.FEW
    two, five = (
        watched(lambda n=n: kmeans(x, k, init=start_of(x, k), max_iterations=n, tolerance=0), x).waits for n in (2, 5)
    )

    assert five - two == 3


def test_no_gradient_no_change_and_nothing_left_behind(device):
    x = blobs().to(device).requires_grad_()
    before, start = x.detach().clone(), start_of(x.detach().cpu(), 4).to(device)
    found = kmeans(x, 4, init=start)

    assert not found.centroids.requires_grad
    assert found.labels.device.type == found.centroids.device.type == device.type
    assert x.equal(before)
    assert start.equal(start_of(before.cpu(), 4).to(device))
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_computed_in_float32(half):
    x = blobs(dtype=half)
    found = kmeans(x, 4, generator=seeded())

    assert found.centroids.dtype == torch.float32
    assert found.centroids.equal(kmeans(x.float(), 4, generator=seeded()).centroids)


# The other distances


def test_minibatches_move_as_scikit_learns_do():
    x = blobs(640)
    start = start_of(x, 4)
    oracle = MiniBatchKMeans(4, init=start.numpy(), n_init=1, reassignment_ratio=0)
    centroids, counts = start, torch.zeros(4)
    for batch in x.split(64):
        oracle.partial_fit(batch.numpy())
        centroids, counts = minibatch_step(batch, centroids, counts)
        assert_close(centroids, torch.from_numpy(oracle.cluster_centers_).to(centroids), rtol=1e-9, atol=1e-9)
    whole = minibatch_kmeans(x, 4, init=start, batch=64)

    assert_close(whole.centroids, centroids)
    assert whole.iterations == 10
    assert counts.sum() == 640
    assert whole.labels.equal(assign(x, centroids).labels)
    assert minibatch_kmeans(Once(x), 4, epochs=3, generator=seeded()).inertia < 1.2 * kmeans(x, 4, restarts=5).inertia


def test_one_cluster_of_minibatches_is_the_mean():
    x = blobs()

    assert_close(minibatch_kmeans(x, 1, batch=50, generator=seeded()).centroids[0], x.mean(0))


def by_loop(x, centroids, distance, middle):
    """Lloyd's algorithm as it is told: no chunk, no product, one row after the other."""
    for _ in range(300):
        labels = [min(range(len(centroids)), key=lambda j, row=row: (distance(row, centroids[j]), j)) for row in x]
        groups = [[row for row, label in zip(x, labels, strict=True) if label == j] for j in range(len(centroids))]
        moved = np.array([middle(np.array(group)) for group in groups])
        if np.allclose(moved, centroids, rtol=0, atol=1e-13):
            break
        centroids = moved
    return centroids, labels


def test_k_medians_is_the_loop_with_medians():
    x = blobs(151, 2, 3)
    start = kmeans_plus_plus(x, 3, generator=seeded())
    found = k_medians(x, 3, init=start)
    centroids, labels = by_loop(x.numpy(), start.numpy(), lambda a, b: np.abs(a - b).sum(), lambda g: np.median(g, 0))

    assert found.labels.tolist() == labels
    assert_close(found.centroids, torch.from_numpy(centroids))
    assert float(found.inertia) == pytest.approx(cdist(x, centroids, "cityblock").min(1).sum())


def test_an_outlier_pulls_no_median():
    x = torch.tensor([[0.0], [1.0], [2.0], [1000.0]], dtype=torch.float64)

    assert kmeans(x, 1, generator=seeded()).centroids.item() == pytest.approx(250.75)
    assert k_medians(x, 1, generator=seeded()).centroids.item() == 1.5
    assert k_medians(x, 2, init=torch.tensor([[0.0], [-500.0]], dtype=torch.float64)).inertia == 2


def test_spherical_k_means_is_the_loop_with_cosines():
    x = blobs(150, 3, 3, seed=4) - 50
    x = x / x.norm(dim=1, keepdim=True)
    start = start_of(x, 3)
    start = start / start.norm(dim=1, keepdim=True)
    found = spherical_kmeans(x, 3, init=start, tolerance=0)

    def middle(group):
        return group.mean(0) / np.linalg.norm(group.mean(0))

    centroids, labels = by_loop(x.numpy(), start.numpy(), lambda a, b: 1 - a @ b, middle)

    assert found.labels.tolist() == labels
    assert_close(found.centroids, torch.from_numpy(centroids))
    assert float(found.inertia) == pytest.approx(2 * cdist(x, centroids, "cosine").min(1).sum())


def test_whitened_rows_have_mahalanobis_distances(dtype):
    x = blobs(dtype=dtype) @ torch.tensor([[1.0, 0.9, 0], [0, 0.2, 0], [3, 0, 70]], dtype=dtype)
    white = x @ whitening(x)
    inverse = np.linalg.inv(np.cov(x.double().numpy().T))
    expected = cdist(x.double().numpy(), x.double().numpy(), "mahalanobis", VI=inverse)

    assert_close(torch.cdist(white.double(), white.double()), torch.from_numpy(expected), rtol=2e-3, atol=2e-3)
    assert_close(whitening(Once(x)), whitening(x))


def test_a_silhouette_is_scikit_learns(dtype):
    x = torch.randn(2100, 3, generator=seeded(), dtype=torch.float64).to(dtype)
    labels = torch.randint(5, (2100,), generator=seeded(1)) * 3 - 4
    labels[7] = 99  # alone
    ours, theirs = silhouette(x, labels), metrics.silhouette_samples(x.numpy(), labels.numpy())

    assert_close(ours.double(), torch.from_numpy(theirs).double(), rtol=1e-4, atol=1e-5)
    assert ours[7] == 0
    assert silhouette(torch.ones(3, 1), torch.tensor([0, 0, 1])).tolist() == [0, 0, 0]


def test_more_clusters_never_cost_more():
    x = blobs(300)
    bend = elbow(x, range(1, 7), generator=seeded())

    assert (bend.diff() < 0).all()
    assert_close(bend[0], (x - x.mean(0)).square().sum())
    assert bend[2] - bend[3] > 3 * (bend[3] - bend[4])  # four blobs were drawn


# What is refused


X = torch.rand(6, 2)
NAN = torch.tensor([[1.0, 2.0], [3.0, float("nan")]])
FOREVER = "pass a list, or an object whose __iter__ starts anew"
REFUSALS = {
    "kmeans needs k <= rows, got 7 and 6 rows": lambda: kmeans(X, 7),
    "kmeans needs k >= 1, got 0": lambda: kmeans(X, 0),
    "kmeans needs restarts >= 1, got 0": lambda: kmeans(X, 2, restarts=0),
    "kmeans needs max_iterations >= 1, got -1": lambda: kmeans(X, 2, max_iterations=-1),
    "kmeans needs tolerance >= 0, got -0.5": lambda: kmeans(X, 2, tolerance=-0.5),
    "kmeans needs init to be k-means++, random or a tensor, got best": lambda: kmeans(X, 2, init="best"),
    "kmeans needs finite centroids of shape (2, 2), got (3, 2)": lambda: kmeans(X, 2, init=X[:3]),
    "kmeans needs finite centroids of shape (2, 2), got nan or infinity": lambda: kmeans(X, 2, init=NAN),
    "kmeans needs finite rows, got nan in row 1: leave it out, or fill it in": lambda: kmeans(NAN, 1),
    "kmeans needs finite rows, got inf in row 9: leave it out, or fill it in": lambda: kmeans(
        [X, X[:2], X / torch.tensor([[1.0], [0.0], [1.0], [1.0], [1.0], [1.0]])], 1
    ),
    "kmeans needs k <= rows, got 1 and 0 rows": lambda: kmeans(X[:0], 1),
    "kmeans needs floating rows, got torch.int64: convert them with .float()": lambda: kmeans(X.long(), 1),
    "kmeans needs floating rows, got int64: convert them with .float()": lambda: kmeans(np.ones((2, 2), int), 1),
    "kmeans needs floating rows, got list: convert them with .float()": lambda: kmeans([[1.0, 2.0]], 1),
    "kmeans needs a tensor, an array or batches of rows, got int": lambda: kmeans(3, 1),
    "kmeans needs a matrix with a row for each example, got shape (2,)": lambda: kmeans(X[0], 1),
    "kmeans needs rows of one number or more, got shape (6, 0)": lambda: kmeans(X[:, :0], 1),
    "kmeans needs batches of one width, got 1 after 2": lambda: kmeans([X, X[:, :1]], 1),
    "kmeans needs batches of one dtype, got torch.float64 after torch.float32": lambda: kmeans([X, X.double()], 1),
    "kmeans needs one batch or more, got none: pass rows of shape (0, width) where there are none": lambda: kmeans(
        [], 1
    ),
    f"kmeans needs batches that can be read again, got a generator, which can be read once: {FOREVER}": lambda: kmeans(
        (rows for rows in [X]), 1
    ),
    "kmeans_plus_plus needs trials >= 1, got 0": lambda: kmeans_plus_plus(X, 2, trials=0),
    "kmeans_plus_plus needs k <= rows, got 9 and 6 rows": lambda: kmeans_plus_plus(X, 9),
    "step needs floating rows, got torch.int64: convert them with .float()": lambda: step(X, X.long()),
    "step needs rows and centroids of one width, got shapes (6, 2) and (6, 1)": lambda: step(X, X[:, :1]),
    "assign needs finite centroids of shape (6, 2), got (6, 1)": lambda: assign(X, X[:, :1]),
    "minibatch_kmeans needs batch >= 1, got 0": lambda: minibatch_kmeans(X, 2, batch=0),
    "minibatch_kmeans needs epochs >= 1, got 0": lambda: minibatch_kmeans(X, 2, epochs=0),
    "minibatch_kmeans needs k <= rows, got 5 and 4 rows": lambda: minibatch_kmeans(X, 5, batch=4),
    "spherical_kmeans needs rows of length 1, got 2.0: divide each by its length": lambda: spherical_kmeans(
        torch.tensor([[0.0, 2.0]]), 1
    ),
    "k_medians needs k <= rows, got 7 and 6 rows": lambda: k_medians(X, 7),
    "whitening needs columns of which none follows from the others, got 6 rows of 2 columns": lambda: whitening(
        X[:, :1] * torch.ones(2)
    ),
    "silhouette needs one label for each row, got labels of shape (5,) and 6 rows": lambda: silhouette(
        X, torch.arange(5)
    ),
    "silhouette needs from 2 to 5 different labels for 6 rows, got 6": lambda: silhouette(X, torch.arange(6)),
    "silhouette needs from 2 to 5 different labels for 6 rows, got 1": lambda: silhouette(X, torch.ones(6).long()),
    "silhouette needs whole numbers as labels, got torch.float32: convert them with .long()": lambda: silhouette(
        X, torch.ones(6)
    ),
}


@pytest.mark.parametrize(("message", "call"), REFUSALS.items(), ids=REFUSALS)
def test_an_error_states_the_law_and_the_value(message, call):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()

    assert message == str(caught.value)


def test_a_generator_may_be_read_once_where_one_reading_is_enough():
    rows = (part for part in X.split(2))

    assert torch.cat(list(Batches(rows, 3, "test", once=True))).equal(X)


# Over ranks


TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(RANK)]


def run(folder, cases, ranks, *command):
    """Start the ranks, let them work on the cases, and return how it ended and what each rank wrote."""
    torch.save(cases, folder / "cases.pt")
    env = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    command = [sys.executable, *command]
    done = subprocess.run(command, env=env, timeout=120, capture_output=True, text=True, check=False)
    written = [folder / f"results{rank}.pt" for rank in range(ranks)]
    return done, [torch.load(each) for each in written if each.exists()]


SPLITS = {2: [(600, 0), (1, 599)], 4: [(0, 250, 50, 300)]}


@pytest.mark.parametrize("ranks", SPLITS)
def test_several_ranks_are_one_process_on_all_rows(ranks, tmp_path):
    x = blobs()
    empty = start_of(x, 4)
    empty[2] += 1000
    options = [{"k": 4, "init": start_of(x, 4)}, {"k": 4, "init": empty}, {"k": 6, "seed": 3}]
    options.append({"k": 3, "seed": 3, "init": "random"})
    cases = [(list(x.split(split)), each) for split in SPLITS[ranks] for each in options]
    wrong = [(list(x.split(SPLITS[ranks][0])), {"k": 601})]
    wrong += [([x, *[x[:, :2]] * (ranks - 1)], {"k": 2}), ([x, x * torch.nan, *[x] * (ranks - 2)], {"k": 2})]
    command = [*TORCHRUN, tmp_path] if ranks == 2 else [RANK, tmp_path, str(ranks)]  # torchrun costs seconds a rank
    done, results = run(tmp_path, [*cases, *wrong], ranks, *command)

    assert done.returncode == 0, done.stderr
    for (shares, given), parts in zip(cases, zip(*results, strict=True), strict=False):
        seed = given.get("seed")
        whole = kmeans(x, **{k: v for k, v in given.items() if k != "seed"}, generator=seed and seeded(seed))
        assert torch.cat([each["found"][1] for each in parts]).equal(whole.labels)
        assert [len(each["found"][1]) for each in parts] == list(map(len, shares))
        for each in parts:
            assert_close(each["found"][0], whole.centroids, rtol=1e-12, atol=0)
            assert_close(each["found"][2], whole.inertia, rtol=1e-12, atol=0)
            assert each["found"][3] == whole.iterations
            assert_close(each["seeds"], kmeans_plus_plus(x, given["k"], generator=seeded(7)), rtol=1e-12, atol=0)
            assert_close(each["assigned"][1], whole.inertia, rtol=1e-12, atol=0)
    refused = [set(each) for each in zip(*(result[len(cases) :] for result in results), strict=True)]
    assert refused[0] == {"ValueError: kmeans needs k <= rows, got 601 and 600 rows"}
    widths = [3] + [2] * (ranks - 1)
    assert refused[1] == {f"ValueError: kmeans needs rows of one width on all ranks, got {widths}"}
    assert all(
        "finite rows, got nan in row 0" in one or "every rank needs rows that will do" in one for one in refused[2]
    )


def test_one_rank_is_one_process():
    x = blobs()
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        found = kmeans(x, 4, generator=seeded(), group=distributed.group.WORLD)
    finally:
        distributed.destroy_process_group()
    alone = kmeans(x, 4, generator=seeded())

    assert found.labels.equal(alone.labels)
    assert_close(tuple(found[0:3:2]), tuple(alone[0:3:2]), rtol=1e-12, atol=0)


def test_only_k_times_d_numbers_cross(monkeypatch):
    """What is summed over the ranks in one iteration: the sums and the counts of the clusters, whatever the rows."""
    crossed = []
    monkeypatch.setattr(_passes, "summed", lambda each, _: crossed.append(sum(t.numel() for t in each)) or each)
    kmeans(blobs(), 4, init=start_of(blobs(), 4), max_iterations=3, tolerance=0)

    assert crossed == [4 * (3 + 1)] * 3 + [1]


def test_a_rank_that_dies_ends_the_others(tmp_path):
    begun = time.monotonic()
    done, results = run(tmp_path, [([*blobs().split(200)], {"k": 4, "tolerance": 0.0})], 3, RANK, tmp_path, "3", "1")

    assert done.returncode == 3
    assert time.monotonic() - begun < 40
    assert len(results) == 2
    for (said,) in results:
        assert said.startswith("RuntimeError: a sum over the ranks failed, for one of them has died or fallen silent: ")
