"""PCA against scikit-learn, in memory, out of core, and in several processes."""

import os
import re
import socket
import subprocess
import sys
import tracemalloc
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import datasets, decomposition
from torch.testing import assert_close

from allocations import watched
from catalogue import executed
from dlref import _moments, _workers
from dlref import pca as module
from dlref.pca import covariance, incremental_pca, pca

RANKS = Path(__file__).parents[1] / "ranks" / "pca.py"
REAL = ["digits", "iris", "wine", "breast_cancer"]
NAMES = ("mean", "components", "explained_variance", "explained_variance_ratio", "singular_values", "noise_variance")
EXACT = ["covariance", "gram"]
axes_of = executed(pca)


@pytest.fixture(autouse=True)
def shared_out(monkeypatch):
    """Even few rows are shared out among the workers."""
    monkeypatch.setattr(_workers, "SMALL", 1)


@cache
def real(name):
    return torch.from_numpy(getattr(datasets, f"load_{name}")().data)


def drawn(rows, columns, seed=0, dtype=torch.float64, rank=None, mean=5.0):
    """Draw rows whose columns vary by different amounts, around a mean that is not 0."""
    generator = torch.Generator().manual_seed(seed)
    rank = rank or columns
    left, right = (torch.randn(*size, generator=generator, dtype=dtype) for size in ((rows, rank), (rank, columns)))
    return left * torch.linspace(3, 0.5, rank, dtype=dtype) @ right / columns**0.5 + mean


def theirs(x, components, solver="full", **options):
    return decomposition.PCA(components, svd_solver=solver, **options).fit(x.numpy())


def agrees(ours, peer, rtol, atol=None):
    """Hold every attribute that scikit-learn documents against ours; an axis without variance may be any."""
    atol = rtol if atol is None else atol
    for name in NAMES[:1] + NAMES[2:]:
        own, other = getattr(ours, name).double(), torch.as_tensor(getattr(peer, f"{name}_"), dtype=torch.float64)
        scale = max(1.0, other.abs().max().item())
        # A root turns a rounding of 1e-16 into 1e-8.
        loose = (atol**0.5 if name == "singular_values" else atol) * scale
        assert_close(own, other, rtol=rtol, atol=loose, msg=lambda text, name=name: f"{name}: {text}")
    firm = ours.explained_variance_ratio > 1e-6
    axes = torch.as_tensor(peer.components_, dtype=torch.float64)
    assert_close(ours.components.double()[firm], axes[firm], rtol=0, atol=1e3 * atol)
    assert ours.components.shape == (peer.n_components_, peer.n_features_in_)
    assert ours.rows == getattr(peer, "n_samples_", ours.rows)


@pytest.mark.parametrize(("name", "method"), [*((name, "auto") for name in REAL), ("wine", "gram"), ("iris", "gram")])
@pytest.mark.parametrize("components", [None, 2, 0.9])
def test_real_data_give_scikit_learns_attributes(name, components, method):
    agrees(axes_of(real(name), components, method=method), theirs(real(name), components), 1e-9)


@pytest.mark.parametrize("name", REAL)
def test_float32_gives_them_to_its_precision(name):
    ours = pca(real(name).float(), 3)

    agrees(ours, theirs(real(name), 3), 1e-5)
    assert {each.dtype for each in ours[:-1]} == {torch.float32}


SHAPES = [(60, 7), (7, 60), (12, 12), (2, 5), (5, 1), (61, 60)]


@pytest.mark.parametrize("method", ["auto", *EXACT])
@pytest.mark.parametrize("components", [None, 1, 0.8])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_tall_wide_and_square_data_give_them_too(shape, components, method):
    x = drawn(*shape)
    agrees(pca(x, components, method=method), theirs(x, components), 1e-9)


@pytest.mark.parametrize("method", EXACT)
@pytest.mark.parametrize("shape", [(40, 8), (8, 40), (20, 20)], ids=str)
def test_axes_of_rank_deficient_data_are_orthonormal(shape, method):
    """Three directions vary, and some columns not at all."""
    x = drawn(*shape, rank=3)
    x[:, [1, 4]] = 7.0
    ours = pca(x, method=method)

    agrees(ours, theirs(x, None), 1e-9)
    kept = len(ours.components)
    assert_close(ours.components @ ours.components.T, torch.eye(kept, dtype=x.dtype), rtol=0, atol=1e-12)
    assert (ours.explained_variance[3:] < 1e-20).all() or method == "covariance"
    assert ours.components.abs().max(0).values[[1, 4]].isfinite().all()


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 0.999])
def test_a_share_of_the_variance_is_exceeded_by_as_few_axes_as_can_be(share):
    whole, ours = pca(real("wine") / real("wine").std(0)), pca(real("wine") / real("wine").std(0), share)
    kept = len(ours.components)
    sums = whole.explained_variance_ratio.cumsum(0)

    assert sums[kept - 1] > share
    assert kept == 1 or sums[kept - 2] <= share


def test_a_share_that_is_met_and_not_exceeded_asks_for_one_more():
    x = torch.tensor([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]], dtype=torch.float64)

    assert theirs(x, 0.5).n_components_ == 2
    assert len(pca(x, 0.5).components) == 2


def test_alike_rows_have_no_variance_to_share():
    ours = pca(torch.ones(4, 3))

    assert ours.explained_variance.tolist() == [0.0, 0.0, 0.0]
    assert ours.explained_variance_ratio.isnan().all()


def test_the_largest_entry_of_an_axis_is_positive():
    for method in EXACT:
        axes = pca(drawn(30, 9), method=method).components
        assert (axes.gather(1, axes.abs().argmax(1, keepdim=True)) > 0).all()


@pytest.mark.parametrize("method", [*EXACT, "random"])
def test_a_large_mean_does_no_harm_in_float32(method):
    x = drawn(600, 300, dtype=torch.float32, rank=4, mean=0.0) + 0.05 * drawn(600, 300, 1, torch.float32, mean=0.0)
    far = (x + 1e4).float()
    generator = torch.Generator().manual_seed(0)
    near = pca((far.double() - 1e4), 4, method="covariance")
    ours = pca(far, 4, method=method, generator=generator)

    assert_close(ours.explained_variance.double(), near.explained_variance, rtol=1e-4, atol=0)
    assert angle(ours.components, near.components) < 2e-3


def angle(ours, exact):
    """The sine of the largest angle between what two sets of axes span."""
    q = torch.linalg.qr(ours.double().T)[0]
    return torch.linalg.matrix_norm(q - exact.double().T @ (exact.double() @ q), 2).item()


CASES = [((2000, 300), 5), ((300, 2000), 5), ((900, 900), 20)]


@pytest.mark.parametrize(("shape", "components"), CASES, ids=str)
def test_a_random_subspace_is_no_worse_than_scikit_learns(shape, components):
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    x = 2 * drawn(*shape, dtype=torch.float32, rank=2 * components) + noise
    exact = pca(x.double(), components, method="covariance" if shape[0] > shape[1] else "gram")
    ours = [pca(x, components, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
    peers = [theirs(x, components, "randomized", random_state=seed) for seed in range(3)]
    errors = [angle(each.components, exact.components) for each in ours]

    assert min(errors) <= max(angle(torch.from_numpy(each.components_), exact.components) for each in peers) * 1.2
    assert_close(ours[0].explained_variance.double(), exact.explained_variance, rtol=1e-3, atol=0)
    assert_close(ours[0].noise_variance.double(), exact.noise_variance, rtol=1e-3, atol=0)
    assert_close(ours[0].explained_variance_ratio.double(), exact.explained_variance_ratio, rtol=1e-3, atol=0)


def test_a_random_subspace_of_few_directions_is_exact():
    """Fewer directions vary than are followed, so the rest is nothing but rounding."""
    x = drawn(400, 250, rank=3)
    agrees(pca(x, 2, method="random"), theirs(x, 2), 1e-9)
    ours = pca(x, 5, method="random")
    assert_close(ours.components @ ours.components.T, torch.eye(5, dtype=x.dtype), rtol=0, atol=1e-12)


def test_a_generator_says_what_is_drawn():
    x = torch.randn(500, 500)
    seeded = partial(pca, x, 5, method="random")
    first, again, other = (seeded(generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))

    assert torch.equal(first.components, again.components)
    assert not torch.equal(first.components, other.components)


RULE = [
    ((1000, 300), 5, "random"),
    ((1000, 299), 5, "covariance"),
    ((299, 1000), 5, "gram"),
    ((300, 1000), 5, "random"),
    ((1000, 300), None, "covariance"),
    ((1000, 300), 0.5, "covariance"),
    ((300, 300), None, "covariance"),
    ((299, 300), None, "gram"),
]


@pytest.mark.parametrize(("shape", "components", "method"), RULE, ids=str)
def test_the_rule_is_the_one_that_is_stated(shape, components, method):
    assert module._routine(components, shape[1], shape[0]) == method


def test_of_batches_the_width_alone_counts():
    assert module._routine(5, 300, None) == "random"
    assert module._routine(5, 299, None) == "covariance"
    assert module._routine(None, 10**6, None) == "covariance"


# Coordinates


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("components", [None, 5])
def test_coordinates_are_scikit_learns(components, whiten):
    x = drawn(50, 8)
    ours, peer = pca(x, components), theirs(x, components, whiten=whiten)
    z = ours.transform(x, whiten=whiten)

    assert_close(z, torch.from_numpy(peer.transform(x.numpy())))
    assert_close(ours.inverse_transform(z, whiten=whiten), torch.from_numpy(peer.inverse_transform(z.numpy())))


def test_whitened_coordinates_have_the_identity_as_covariance():
    x = drawn(50, 8)
    z = pca(x).transform(x, whiten=True)

    assert_close(z.T.cov(), torch.eye(8, dtype=x.dtype), rtol=0, atol=1e-10)


def test_all_axes_together_give_the_rows_back():
    x = real("digits")
    ours = pca(x)

    assert_close(ours.inverse_transform(ours.transform(x)), x, rtol=0, atol=1e-10)


def test_what_is_left_out_is_the_error():
    x = real("digits")
    for kept in (1, 10, 40):
        ours = pca(x, kept)
        error = (ours.inverse_transform(ours.transform(x)) - x).square().sum() / (len(x) - 1)
        assert_close(error, ours.noise_variance * (64 - kept))


def test_an_axis_without_variance_is_whitened_to_nothing_infinite():
    x = torch.tensor([[1.0, 2.0], [3.0, 2.0], [8.0, 2.0]])

    assert pca(x).transform(x, whiten=True).isfinite().all()


def test_coordinates_keep_the_leading_axes():
    ours = pca(drawn(50, 6), 2)

    assert ours.transform(torch.zeros(6)).shape == (2,)
    assert ours.inverse_transform(torch.zeros(3, 4, 2)).shape == (3, 4, 6)
    assert ours.transform(torch.zeros(0, 6)).shape == (0, 2)


def test_coordinates_refuse_rows_of_another_width():
    ours = pca(drawn(50, 6), 2)
    with pytest.raises(ValueError, match=r"transform needs rows of 6 numbers, got shape \(3, 5\)"):
        ours.transform(torch.zeros(3, 5))
    with pytest.raises(ValueError, match=r"inverse_transform needs 2 coordinates a row, got shape \(3, 6\)"):
        ours.inverse_transform(torch.zeros(3, 6))
    with pytest.raises(TypeError, match="transform needs floating rows"):
        ours.transform(torch.zeros(3, 6, dtype=torch.int64))


# Out of core


@pytest.mark.parametrize("method", ["covariance", "random"])
@pytest.mark.parametrize("sizes", [[200], [1, 150, 49], [0, 100, 0, 100]], ids=str)
def test_batches_are_the_rows_that_they_hold(sizes, method):
    x = drawn(200, 9, rank=6)
    agrees(pca(x.split(sizes), 4, method=method), theirs(x, 4), 1e-9)


def test_rows_may_drift_from_batch_to_batch():
    x = drawn(5000, 4) + torch.linspace(0, 1e5, 5000, dtype=torch.float64)[:, None]
    agrees(pca(x.split(100)), theirs(x, None), 1e-9)


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_a_mapped_file_is_read_as_it_is_needed(mode, tmp_path):
    x = drawn(3000, 20)
    np.save(tmp_path / "x.npy", x.numpy())
    agrees(pca(np.load(tmp_path / "x.npy", mmap_mode=mode), 3), theirs(x, 3), 1e-9)


class Drawn:
    """Batches that nobody holds: each is drawn when its turn comes."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        for seed in range(self.count):
            yield np.random.default_rng(seed).standard_normal((500, 40))


@pytest.mark.parametrize("method", ["covariance", "random"])
def test_memory_stays_flat_as_rows_grow(method):
    """numpy tells tracemalloc of its batches; a copy of all would be ten times the smaller run."""
    peaks = []
    for count in (4, 40):
        tracemalloc.start()
        pca(Drawn(count), 3, method=method)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.parametrize(("shape", "components"), [((40_000, 20), 3), ((2000, 300), 5), ((300, 2000), 5)], ids=str)
def test_no_centred_copy_is_held(shape, components, monkeypatch):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(_moments, "CHUNK", 2**14)

    assert watched(lambda: pca(x, components), x).bytes <= 0.2 * x.nbytes


# Incremental


@pytest.mark.parametrize("components", [None, 3, 9])
def test_incremental_axes_are_scikit_learns(components):
    x = drawn(200, 9)
    batches = [batch.numpy() for batch in x.split([50, 20, 80, 50])]
    peer = decomposition.IncrementalPCA(components)
    for batch in batches:
        peer.partial_fit(batch)
    ours = executed(incremental_pca)(batches, components)

    for name in NAMES[:-1]:
        assert_close(getattr(ours, name), torch.from_numpy(getattr(peer, f"{name}_")), rtol=1e-9, atol=1e-9)
    assert ours.rows == peer.n_samples_seen_


def test_incremental_axes_are_exact_where_nothing_is_dropped():
    """As many axes are kept as vary, whatever the batches."""
    x = drawn(120, 10, rank=4)
    agrees(incremental_pca(x.split([30, 1, 80, 9]), 4), theirs(x, 4), 1e-9)


def test_incremental_noise_is_what_the_axes_lack():
    x = drawn(200, 9)
    ours = incremental_pca(x.split(50), 4)
    whole = x.var(0).sum()

    assert_close(ours.explained_variance.sum() + 5 * ours.noise_variance, whole)


def test_incremental_axes_take_a_stream_that_is_read_once():
    x = drawn(90, 5)
    assert_close(incremental_pca(iter(x.split(30)), 2)[1], incremental_pca(x.split(30), 2)[1])
    assert_close(incremental_pca(x.float().split(30), 2).components.double(), incremental_pca(x.split(30), 2)[1])


# Refusals

X = torch.randn(20, 6)
REFUSED = [
    ({"x": X[:1]}, "pca needs 2 rows or more, got 1: one row does not vary"),
    ({"x": X[:0]}, "pca needs 2 rows or more, got 0"),
    ({"x": X[:1], "method": "gram"}, "pca needs 2 rows or more, got 1"),
    ({"x": X[:1], "components": 1, "method": "random"}, "pca needs 2 rows or more, got 1"),
    ({"components": 0}, "pca needs components >= 1, or a share between 0 and 1, got 0"),
    ({"components": -2}, "got -2"),
    ({"components": True}, "got True"),
    ({"components": 1.0}, "got 1.0"),
    ({"components": 0.0}, "got 0.0"),
    ({"components": 1.5}, "got 1.5"),
    ({"components": "mle"}, "got mle"),
    ({"components": 7}, "pca needs at most as many components as the smaller side of x, 6, got 7"),
    ({"x": X[:4], "components": 5, "method": "covariance"}, "the smaller side of x, 4, got 5"),
    ({"x": X[:4], "components": 5, "method": "gram"}, "the smaller side of x, 4, got 5"),
    ({"x": X[:4], "components": 5, "method": "random"}, "the smaller side of x, 4, got 5"),
    ({"method": "svd"}, "pca needs method among auto, covariance, gram, random, got svd"),
    ({"method": "random"}, "pca needs a number of components for method random, got None"),
    ({"method": "random", "components": 0.5}, "for method random, got 0.5"),
    ({"x": X.split(5), "method": "gram"}, "pca needs x whole and in one process for method gram"),
    ({"x": torch.ones(4, 3), "components": 0.5}, "pca needs rows that vary to keep a share of their variance"),
    ({"x": [X, X[:, :5]]}, "pca needs batches of one width, got 5 after 6"),
    ({"x": [X, X.double()]}, "pca needs batches of one dtype"),
    ({"x": []}, "pca needs one batch or more, got none"),
    ({"x": iter(X.split(5))}, "pca needs batches that can be read again"),
    ({"x": X[0]}, r"pca needs a matrix with a row for each example, got shape \(6,\)"),
    ({"x": torch.ones(4, 0)}, r"pca needs rows of one number or more, got shape \(4, 0\)"),
]


@pytest.mark.parametrize(("given", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_bad_input_is_refused(given, said):
    with pytest.raises(ValueError, match=rf"^pca needs .*{said.removeprefix('pca needs ')}"):
        pca(**{"x": X} | given)


@pytest.mark.parametrize("method", [*EXACT, "random"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_row_that_is_not_finite_is_named(bad, method):
    x = X.clone()
    x[7, 2] = bad
    with pytest.raises(ValueError, match=f"^pca needs finite rows, got {bad} in row 7"):
        pca(x, 2, method=method)
    with pytest.raises(ValueError, match=f"^incremental_pca needs finite rows, got {bad} in row 7"):
        incremental_pca(x.split(5), 2)


@pytest.mark.parametrize(
    "bad",
    [X.long(), X.bool(), X.to(torch.complex64), [[1.0, 2.0]], 3.0, None],
    ids=["whole", "bool", "complex", "list", "number", "none"],
)
def test_rows_must_be_floating(bad):
    with pytest.raises(TypeError, match=r"^pca needs "):
        pca(bad)


INCREMENTAL = [
    (X.split(5), 6, r"incremental_pca needs at most 5 components, for a first batch of \(5, 6\), got 6"),
    (X.split(5), 0, "incremental_pca needs components >= 1, got 0"),
    (X.split(5), 0.5, "incremental_pca needs components >= 1, got 0.5"),
    ([X[:1]], None, "incremental_pca needs 2 rows or more, got 1"),
    ([X, X[:, :5]], 2, "incremental_pca needs batches of one width, got 5 after 6"),
]


@pytest.mark.parametrize(("batches", "components", "said"), INCREMENTAL, ids=[said for *_, said in INCREMENTAL])
def test_bad_batches_are_refused(batches, components, said):
    with pytest.raises(ValueError, match=said):
        incremental_pca(batches, components)


def test_one_row_has_no_covariance():
    with pytest.raises(ValueError, match="covariance needs 2 rows or more, got 1"):
        covariance(X[:1])
    with pytest.raises(
        ValueError, match=re.escape("covariance needs a matrix with a row for each example, got shape (6,)")
    ):
        covariance(X[0])


def test_covariance_is_numpys():
    x = drawn(30, 5)
    assert_close(covariance(x), torch.from_numpy(np.cov(x.numpy(), rowvar=False)))


def test_covariance_of_a_large_mean_is_right_in_float32():
    x = (drawn(500, 4, mean=0.0) + 1e4).float()
    assert_close(covariance(x).double(), x.double().T.cov(), rtol=1e-5, atol=1e-5)


def test_half_precision_counts_as_float32():
    x = drawn(50, 6, dtype=torch.float32)
    assert pca(x.half(), 2).components.dtype == torch.float32
    agrees(pca(x.half(), 2), theirs(x.half().double(), 2), 1e-5)


def test_data_stay_on_their_device(device):
    ours = pca(drawn(50, 6).to(device), 2, method="random", generator=torch.Generator().manual_seed(0))
    assert {each.device.type for each in ours[:-1]} == {device.type}
    assert ours.transform(drawn(50, 6).to(device)).device.type == device.type


# Several processes


SPLITS = [[60], [60, 0], [1, 20, 0, 39]]
OPTIONS = [{}, {"components": 3}, {"components": 0.7}, {"components": 2, "method": "random"}]
ROWS = drawn(60, 7, mean=100.0)
CASES_OF_RANKS = [(ROWS.split(split), options) for split in SPLITS for options in OPTIONS]
NOT_A_NUMBER = torch.full((3, 7), float("nan"), dtype=ROWS.dtype)
UNLIKE = [
    ([ROWS, ROWS[:, :5]], {}),
    ([ROWS[:1], ROWS[:0]], {}),
    ([ROWS, NOT_A_NUMBER], {}),
    ([ROWS, NOT_A_NUMBER], {"components": 2, "method": "random"}),
    ([ROWS, ROWS[0]], {}),
]


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What each of four processes wrote; they work in groups of one, two and four."""
    folder = tmp_path_factory.mktemp("ranks")
    torch.save([*CASES_OF_RANKS, *UNLIKE], folder / "cases.pt")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GLOO_SOCKET_IFNAME": "lo"}
    env = os.environ | address | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    command = [sys.executable, str(RANKS), str(folder), "4"]
    done = subprocess.run(command, env=env, timeout=120, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"results{rank}.pt") for rank in range(4)]


def test_several_ranks_are_one_process_on_all_rows(ranks):
    written = [iter(each) for each in ranks]
    for shares, options in CASES_OF_RANKS:
        one = pca(ROWS, **options)
        for rank in range(len(shares)):
            found, sent = next(written[rank])
            assert_close(found[:-1], tuple(one)[:-1], rtol=1e-9, atol=1e-9)
            assert found[-1] == 60
            assert max(sent) <= 7 * 7 + 1, "no more than d×d numbers cross"


def test_ranks_refuse_together(ranks):
    widths = "pca needs rows of one width on every rank, got {} here and 12 on all ranks"
    few = "pca needs 2 rows or more, got 1: one row does not vary"
    other = "every rank needs rows that will do, and rank 1 has others: it says what is wrong"
    nan = "pca needs finite rows, got nan in row 0: leave it out, or fill it in"
    flat = "pca needs a matrix with a row for each example, got shape (7,)"
    told = [each[-len(UNLIKE) - (rank > 0) :][: len(UNLIKE)] for rank, each in enumerate(ranks[:2])]

    assert told == [[widths.format(7), few, other, other, other], [widths.format(5), few, nan, nan, flat]]


def test_a_rank_that_is_gone_is_an_error_on_the_others(ranks):
    for told, seconds in (each[-1] for each in ranks[1:]):
        assert told.startswith("a sum over the ranks failed, for one of them has died or fallen silent")
        assert seconds < 30
