"""Keyed random streams: known answers, and the invariances that paired what-ifs rest on."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from spmforecast.simulate.streams import Streams

NAME = ("deal", "O-17", "outcome")
KNOWN = [0.6916446459109533, 0.9883374364660098, 0.3748293788444284]


def test_numpy_reference(reference):
    ref = reference("41_counter_rng")

    def words(values):
        return [f"{int(value):016x}" for value in values]

    ref.compare(
        "numpy Philox(key=0,counter=0).random_raw(4) == block of counter 1 (numpy increments first)",
        words(np.random.Philox(key=0, counter=0).random_raw(4)),
    )
    ref.compare(
        "numpy Philox(key=123,counter=[0,0,0,7]) random_raw(8)",
        words(np.random.Philox(key=123, counter=[0, 0, 0, 7]).random_raw(8)),
    )
    ref.compare(
        "uniform doubles of that stream: (x>>11)*2^-53",
        np.random.Generator(np.random.Philox(key=123, counter=[0, 0, 0, 7])).random(8).tolist(),
    )
    digest = hashlib.blake2b(b"rep:ACME|17|win", digest_size=16).digest()
    ref.compare(
        "blake2b-128 of b'rep:ACME|17|win' little-endian uint64 pair (possible key derivation)",
        words(np.frombuffer(digest, dtype="<u8")),
    )


def _philox(key, counter):
    """Return the words of a counter under a key; NumPy counts one up before it draws."""
    before = (int(sum(word << (64 * k) for k, word in enumerate(counter))) - 1) % 2**256
    words = [before >> (64 * k) & (2**64 - 1) for k in range(4)]
    keyed = np.random.Philox(key=np.array(key, dtype=np.uint64), counter=np.array(words, dtype=np.uint64))
    return [f"{int(word):016x}" for word in keyed.random_raw(4)]


def test_random123_reference(reference):
    ref = reference("41_counter_rng")
    ones = 2**64 - 1
    ref.compare("Philox4x64-10 ctr=0 key=0", _philox([0, 0], [0, 0, 0, 0]))
    ref.compare("Philox4x64-10 all ones", _philox([ones] * 2, [ones] * 4))
    name = next(name for name in ref.checks if name.startswith("Philox4x64-10 ctr=pi digits"))
    digits = [int(word, 16) for word in name.replace("key ", "").split()[-6:]]
    ref.compare(name, _philox(digits[4:], digits[:4]))


def test_seed_sequence_reference(reference):
    ref = reference("41_counter_rng")

    def words(sequence):
        return [f"{int(word):016x}" for word in sequence.generate_state(4, np.uint64)]

    ref.compare("SeedSequence(42).generate_state(4,uint64)", words(np.random.SeedSequence(42)))
    ref.compare(
        "SeedSequence(42,spawn_key=(3,)) == child 3 of spawn", words(np.random.SeedSequence(42, spawn_key=(3,)))
    )
    ref.compare("child 3 via spawn(5)[3]", words(np.random.SeedSequence(42).spawn(5)[3]))


def test_key_is_the_hash_of_the_length_prefixed_names():
    name = b"".join(len(text).to_bytes(4, "little") + text for text in (b"7", b"deal", b"O-17", b"outcome"))
    want = np.frombuffer(hashlib.blake2b(name, digest_size=16).digest(), dtype="<u8")
    np.testing.assert_array_equal(Streams(7).key(*NAME), want)


@pytest.mark.parametrize(("start", "lane"), [(0, 0), (4, 0), (1000, 3)])
def test_uniforms_are_numpys_philox_under_that_key_and_counter(start, lane):
    counter = np.array([start // 4, lane, 0, 0], dtype=np.uint64)
    numpys = np.random.Generator(np.random.Philox(key=Streams(7).key(*NAME), counter=counter)).random(50)
    got = Streams(7).uniforms(*NAME, start, start + 50, lane)
    np.testing.assert_array_equal(got, numpys + 2.0**-54)


def test_known_answer_stays_as_it_was_first_published():
    got = Streams(1).uniforms(*NAME, 0, 3)
    np.testing.assert_array_equal(got, KNOWN)


@given(start=st.integers(0, 500).map(lambda n: 4 * n), length=st.integers(1, 300), lane=st.integers(0, 5))
@settings(max_examples=30)
def test_a_block_is_a_piece_of_the_whole(start, length, lane):
    whole = Streams(3).uniforms(*NAME, 0, 2400, lane)
    np.testing.assert_array_equal(
        Streams(3).uniforms(*NAME, start, start + length, lane), whole[start : start + length]
    )


def test_longer_run_begins_with_the_shorter():
    np.testing.assert_array_equal(Streams(3).normals(*NAME, 0, 4000)[:1000], Streams(3).normals(*NAME, 0, 1000))


def test_words_of_many_keys_are_those_of_each():
    streams = Streams(3)
    keys = np.array([streams.key("deal", f"O-{k}", "outcome") for k in range(3)])
    out = np.zeros((3, 20), dtype=np.uint64)
    streams.words_of(keys, 8, 28, out)
    for drawn, key in zip(out, keys, strict=True):
        np.testing.assert_array_equal(drawn, streams.words(key, 8, 28))


def test_blocks_begin_at_a_counter_step():
    with pytest.raises(AssertionError, match="multiple of four"):
        Streams(1).uniforms(*NAME, 2, 10)


def test_others_do_not_matter():
    def drawn(entities):
        streams = Streams(5)
        return {name: streams.uniforms("deal", name, "outcome", 0, 64).tobytes() for name in entities}

    few, more, turned = drawn(["A", "B"]), drawn(["C", "A", "D", "B"]), drawn(["B", "A"])
    assert few == turned == {name: more[name] for name in "AB"}
    assert len(set(more.values())) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "bc", "x"), ("ab", "c", "x")),
        (("a", "b", "cx"), ("a", "bc", "x")),
        (("", "a", "x"), ("a", "", "x")),
        (("deal", "\u00e9", "x"), ("deal", "e\u0301", "x")),
    ],
)
def test_names_cannot_run_together(one, other):
    assert not np.array_equal(Streams(1).key(*one), Streams(1).key(*other))


def test_seeds_purposes_and_lanes_are_streams_of_their_own():
    streams = [
        Streams(1).uniforms(*NAME, 0, 4000),
        Streams(2).uniforms(*NAME, 0, 4000),
        Streams(1).uniforms(*NAME, 0, 4000, lane=1),
        Streams(1).uniforms("deal", "O-17", "amount", 0, 4000),
        Streams(1).uniforms("rep", "O-17", "outcome", 0, 4000),
    ]
    related = np.corrcoef(streams) - np.eye(len(streams))
    assert np.abs(related).max() < 5 / np.sqrt(4000)
    # Not the same numbers at another place either.
    assert len(np.unique(np.concatenate(streams))) == 5 * 4000


def test_uniforms_are_uniform_and_normals_normal():
    u = Streams(1).uniforms(*NAME, 0, 40_000)
    assert 0 < u.min() < u.max() < 1
    assert np.abs(np.sort(u) - (np.arange(40_000) + 0.5) / 40_000).max() < 1.95 / 200
    z = Streams(1).normals(*NAME, 0, 40_000)
    np.testing.assert_array_equal(z, special.ndtri(u))


def test_generator_of_a_stream_repeats():
    one, two = (Streams(4).generator("model", "transitions", "x").random(5) for _ in range(2))
    np.testing.assert_array_equal(one, two)
