"""A token that goes and comes back: said at once while it is away, healed by itself after, with nothing lost."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from threading import Condition, Event
from time import monotonic

import pkcs11
import pytest

from keys.algorithms import ALGORITHMS, AlgorithmName
from keys.decryption import KEY_MANAGEMENT, OAEP_256, KeyManagementName
from keys.errors import TokenAway
from keys.pkcs11_custody import TokenCustody
from keys.pkcs11_errors import SightLost
from keys.secret import SecretName
from keys.signer import open_custody
from tests.backends import settings_for
from tests.soft_token import RemoteTokens, remote_module

ES256 = ALGORITHMS[AlgorithmName.ES256]
RSA = KEY_MANAGEMENT[KeyManagementName.RSA_OAEP_256]
HEALED_WITHIN = 30  # seconds
FORKS = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # Python 3.12


@pytest.fixture
def settings(token_url, tmp_path):
    """Without a database: keys alone."""
    return replace(settings_for("sqlite://"), keys_url=token_url, data_dir=tmp_path)


@pytest.fixture
def custody(settings):
    return open_custody(settings)


@pytest.fixture
def without_pauses(monkeypatch):
    """The next attempt is always due."""
    monkeypatch.setattr("keys.pkcs11_token.FIRST_PAUSE", 0.0)


@pytest.mark.usefixtures("without_pauses")
class TestWithOneThread:
    def test_whatever_is_asked_of_a_token_that_is_away_says_so_and_all_of_it_works_after(self, custody, soft_tokens):
        signer, unwrapping = custody.create_signer(ES256), custody.create_decrypter(RSA)
        sealing = custody.create_secret("healing", SecretName.A256GCM)
        recognising = custody.create_secret("healing-mac", SecretName.HS256)
        sealed, mac = sealing.encrypt(b"n" * 12, b"name", b""), recognising.mac(b"data")
        wrapped = unwrapping.public_key.encrypt(b"k" * 32, OAEP_256)
        asked = [
            custody.check,
            lambda: custody.create_signer(ES256),
            lambda: custody.load_signer(signer.kid, ES256),
            lambda: signer.sign(b"data"),
            lambda: unwrapping.unwrap(wrapped),
            lambda: sealing.decrypt(b"n" * 12, sealed, b""),
            lambda: recognising.mac(b"data"),
        ]
        with soft_tokens.away():
            for ask in asked:
                with pytest.raises(TokenAway, match="pkcs11:token=prajak is away"):
                    ask()
        ES256.verify_x509(signer.public_key, signer.sign_x509(b"data"), b"data")
        assert unwrapping.unwrap(wrapped) == b"k" * 32
        assert (sealing.decrypt(b"n" * 12, sealed, b""), recognising.mac(b"data")) == (b"name", mac)
        for ask in asked:
            ask()

    def test_no_two_attempts_are_made_before_the_next_is_due(self, custody, soft_tokens, monkeypatch):
        signer = custody.create_signer(ES256)
        monkeypatch.setattr("keys.pkcs11_token.FIRST_PAUSE", 60.0)
        with soft_tokens.away():
            with pytest.raises(TokenAway):
                signer.sign(b"data")
            generation = custody.token.module.generation
            for _ in range(5):
                with pytest.raises(TokenAway, match="is away"):
                    signer.sign(b"data")
            assert custody.token.module.generation == generation
        monkeypatch.setattr("keys.pkcs11_token.monotonic", lambda: monotonic() + 61)
        assert signer.sign(b"data")

    def test_a_module_that_another_part_of_the_process_ended_is_begun_again(self, custody):
        signer = custody.create_signer(ES256)
        custody.token.module.renew(custody.token.module.generation)
        assert signer.sign(b"data")
        custody.token.module._functions.C_Finalize(None)
        assert signer.sign(b"data")

    def test_a_call_that_hangs_in_the_module_keeps_nobody_waiting_for_long(self, custody, soft_tokens, monkeypatch):
        signer, module = custody.create_signer(ES256), custody.token.module
        monkeypatch.setattr("keys.pkcs11_module.OUTSIDE_WITHIN", 0.01)
        told = pytest.raises(TokenAway, match="a call into .* does not come back")
        with module.entered(module.generation), soft_tokens.away(), told:
            signer.sign(b"data")
        assert signer.sign(b"data")

    def test_sessions_that_the_token_closed_are_opened_again(self, custody):
        signer = custody.create_signer(ES256)
        connection = custody.token.connect()
        for session in connection._idle:
            session.session.close()
        assert signer.sign(b"data")

    def test_a_login_that_the_token_forgot_is_made_again(self, custody):
        signer = custody.create_signer(ES256)
        custody.token.connect()._login.session.close()  # logs the process out
        assert signer.sign(b"data")

    def test_handles_that_became_void_are_found_anew_without_a_new_login(self, custody):
        signer = custody.create_signer(ES256)
        generation = custody.token.module.generation
        attempts = count()

        def work(session):
            if next(attempts) == 0:
                raise SightLost("as from a void handle")
            return session.private_key(signer.kid)

        assert custody.token.run(work)
        assert custody.token.module.generation == generation


@FORKS
def test_a_fork_begins_for_itself_and_leaves_the_parent_alone(custody):
    """PKCS #11 v3.0 section 5.4; with `reset_on_fork` whatever was open before is dead in the child."""
    signer = custody.create_signer(ES256)
    child = os.fork()
    if child == 0:
        signed = len(signer.sign(b"data")) == 64 and bool(custody.create_signer(ES256).sign(b"data"))
        os._exit(0 if signed else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert signer.sign(b"data")


@FORKS
def test_what_another_process_made_is_found(custody):
    """Two workers: the one that did not make the key signs with it too."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, custody.create_signer(ES256).kid.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    kid = os.read(reading, 100).decode()
    os.close(reading)
    assert custody.load_signer(kid, ES256).sign(b"data")


class TestThePool:
    @pytest.fixture
    def small(self, custody):
        return TokenCustody(replace(custody.address, sessions=2))

    def test_more_threads_than_sessions_take_turns(self, custody, small):
        signer = small.load_signer(custody.create_signer(ES256).kid, ES256)
        with ThreadPoolExecutor(8) as pool:
            signatures = list(pool.map(lambda number: signer.sign(b"%d" % number), range(80)))
        assert len(signatures) == 80
        assert small.token.connect().open_sessions() <= 2

    def test_who_waits_too_long_for_a_session_is_told(self, small, monkeypatch):
        monkeypatch.setattr("keys.pkcs11_connection.SESSION_WITHIN", 0.01)
        connection = small.token.connect()
        with connection.session(), connection.session(), pytest.raises(TokenAway, match="all 2 sessions are at work"):
            small.token.run(lambda session: session.check())
        small.check()

    def test_a_token_with_fewer_sessions_than_asked_for_is_used_with_those(self, small, monkeypatch):
        connection = TokenCustody(replace(small.address, sessions=9)).token.connect()
        monkeypatch.setattr("keys.pkcs11_connection.SESSION_WITHIN", 0.01)
        connection._token = StingyToken(connection._token, gives=1)
        with connection.session(), pytest.raises(TokenAway, match="all 1 sessions are at work"), connection.session():
            pass


class StingyToken:
    """SoftHSM gives sessions without end; hardware does not."""

    def __init__(self, token, gives):
        self.token = token
        self.left = gives

    def open(self, **told):
        if not self.left:
            raise pkcs11.SessionCount
        self.left -= 1
        return self.token.open(**told)


class Load:
    """Threads that sign without pause until the end, and what came of each call."""

    def __init__(self, sign, threads=6):
        self.sign, self.threads = sign, threads
        self.done = []
        self.more, self.ended = Condition(), Event()

    def __enter__(self):
        self.pool = ThreadPoolExecutor(self.threads)
        self.running = [self.pool.submit(self._work, thread) for thread in range(self.threads)]
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.pool.shutdown()
        for each in self.running:
            each.result()

    def _work(self, thread):
        for number in count():
            if self.ended.is_set():
                return
            data = f"{thread}:{number}".encode()
            began = monotonic()
            try:
                outcome = self.sign(data)
            except TokenAway as error:
                outcome = error
            with self.more:
                self.done.append((began, data, outcome))
                self.more.notify()

    def next(self, wanted):
        """Seconds until a call that begins from now on ends so."""
        now, seen = monotonic(), len(self.done)

        def has_ended_so():
            return any(began > now and isinstance(outcome, wanted) for began, _, outcome in self.done[seen:])

        with self.more:
            assert self.more.wait_for(has_ended_so, HEALED_WITHIN)
        return monotonic() - now

    def check(self, signer):
        for _, data, outcome in self.done:
            if isinstance(outcome, bytes):
                ES256.verify_x509(signer.public_key, outcome, data)


def test_under_load_every_signature_verifies_every_error_is_clear_and_it_heals(custody, soft_tokens):
    signer = custody.create_signer(ES256)
    with Load(signer.sign_x509) as load:
        for _ in range(2):
            load.next(bytes)
            with soft_tokens.away():
                load.next(TokenAway)
            assert load.next(bytes) < HEALED_WITHIN
    load.check(signer)


@pytest.fixture
def remote(soft_tokens, tmp_path, monkeypatch):
    remote = RemoteTokens(soft_tokens, tmp_path)
    monkeypatch.setenv("P11_KIT_SERVER_ADDRESS", f"unix:path={remote.address}")
    remote.start()
    yield remote
    remote.kill()


def test_the_tokens_process_is_killed_and_brought_back_under_load(settings, remote):
    """SoftHSM2 in a process of its own. What p11-kit's remoting hands on is enough for ECDSA, PKCS #1 and HMAC."""
    custody = TokenCustody.at(remote.soft_tokens.uri("prajak", remote_module()), "PRAJAK_KEYS_URL", settings)
    signer, secret = custody.create_signer(ES256), custody.create_secret("remote", SecretName.HS256)
    mac = secret.mac(b"data")
    with Load(signer.sign_x509) as load:
        load.next(bytes)
        remote.kill()
        load.next(TokenAway)
        remote.start()
        assert load.next(bytes) < HEALED_WITHIN
    load.check(signer)
    assert secret.mac(b"data") == mac
    assert open_custody(settings).load_signer(signer.kid, ES256).sign(b"data"), "and without p11-kit between"
