"""UIDL (RFC 1939 section 7), and that nobody downloads all again who comes from another server."""
import pytest

from harness.dovecot import Dovecot, missing
from harness.pop3 import account, logged_in, own, put, settings

NAMES = ["1700000001.M1P1R1.host", "1700000002.M2P2V0000000000000801I0000000000345678_0.host,S=14,W=17", "1700000003.odd'+name.host"]


def write(account, name, text):
    (account.maildir / name).write_text(text)
    own(account, account.maildir / name)


needed = pytest.mark.skipif(missing("pop3"), reason="Debian's dovecot-pop3d is not installed")


def ids(suite, account):
    """What UIDL lists; UIDL of each one alone must say the same."""
    with logged_in(suite, account) as pop3:
        first, lines = pop3.many("UIDL")
        assert first.startswith("+OK")
        for line in lines:
            assert pop3.command("UIDL " + line.split()[0]) == "+OK " + line
        pop3.command("QUIT")
    assert [line.split(" ", 1)[0] for line in lines] == [str(i + 1) for i in range(len(lines))]
    return [line.split(" ", 1)[1] for line in lines]


def dovecot_ids(account, **settings):
    lines = "\n".join(f"{name} = {value}" for name, value in settings.items())
    with Dovecot(account.maildir, settings=lines) as dovecot, dovecot.pop3() as pop3:
        lines = pop3.many("UIDL")[1]
        pop3.command("QUIT")
    return [line.split(" ", 1)[1] for line in lines]


# --- Dovecot --------------------------------------------------------------------------


@needed
@pytest.mark.parametrize("form", ["%08Xu%08Xv", "%g", "%f", "%v-%u", "%v.%u", "%u", "UID%u-%v", "%08Xv%08Xu", "%Xu%Xv", "%010u%%%08Xv"])
def test_ids_that_dovecot_gave_are_given(suite, account, settings, form):
    for name in NAMES[:2]:
        put(account, name=name)
    before = dovecot_ids(account, pop3_uidl_format=form)
    assert len(set(before)) == 2
    settings(pop3_uidl_format=form)
    put(account, name="1700000004.M4P4.host")
    after = ids(suite, account)
    assert after[:2] == before and len(set(after)) == 3


@needed
def test_dovecot_gives_what_postern_gave(suite, account):
    for name in NAMES[:2]:
        put(account, name=name)
    before = ids(suite, account)
    assert dovecot_ids(account) == before


@needed
def test_ids_in_dovecots_list_go_before_the_format(suite, account):
    """The field P, as Dovecot's scripts write it for those who come from elsewhere; an empty one is the file's name."""
    for name in NAMES[:2]:
        put(account, name=name)
    ids(suite, account)
    lines = (account.maildir / "dovecot-uidlist").read_text().split("\n")
    lines[1] = lines[1].replace("1 ", "1 PUID77-1234 W17 ", 1)
    lines[2] = lines[2].replace("2 ", "2 P ", 1)
    write(account, "dovecot-uidlist", "\n".join(lines))
    put(account, name="1700000004.M4P4.host")
    after = ids(suite, account)
    assert after[:2] == ["UID77-1234", NAMES[1]] and len(after[2]) == 16
    assert ids(suite, account) == dovecot_ids(account) == after


@needed
def test_the_format_of_dovecot_2_4(suite, account, settings):
    put(account, name=NAMES[0])
    before = dovecot_ids(account)
    settings(pop3_uidl_format="%{uid | hex(8)}%{uidvalidity | hex(8)}")
    assert ids(suite, account) == before


# --- Courier ---------------------------------------------------------------------------

COURIER = {
    0: ("", "{0} 14\n{1}:2,S 14\n{2} 14\n", [NAMES[0], NAMES[1], "1700000003.odd+27+2Bname.host"]),
    1: ("/1 8\n", "{0} 14 3\n{1} 14 5\n{2}:2, 14 7\n", ["UID3", "UID5", "UID7"]),
    2: ("/2 8 1234567890\n", "{0} 14 3:1234567890\n{1} 14 0:0\n{2} 14 7:1200000000\n",
        ["UID3-1234567890", NAMES[1], "UID7-1200000000"]),
    3: ("/3 8 1234567890\n", "{0} 14 3:1234567890:0\n{1} 14 5:1234567890:1\n{2} 14 7:1234567890:0\n",
        ["UID3-1234567890", "UID5-1234567890", "UID7-1234567890"]),
}


@pytest.mark.parametrize("version", COURIER)
def test_ids_that_courier_gave_are_given(suite, account, settings, version):
    head, body, expected = COURIER[version]
    for name in NAMES:
        put(account, name=name)
    write(account, "courierpop3dsizelist", head + body.format(*NAMES))
    put(account, name="1700000004.M4P4.host")
    settings(pop3_uidl_courier="yes", pop3_uidl_format="UID%u-%v")
    after = ids(suite, account)
    assert after[:3] == expected and after[3].startswith("UID4-")
    settings(pop3_uidl_courier=None)
    assert not set(ids(suite, account)[:3]) & set(expected)


def test_a_list_of_courier_that_is_noise(suite, account, settings):
    put(account, name=NAMES[0])
    put(account, name=NAMES[1])
    settings(pop3_uidl_courier="yes")
    before = ids(suite, account)
    write(account, "courierpop3dsizelist", f"/2 1\n\n{NAMES[0]}\n{NAMES[0]} x\n{NAMES[0]} 14 4:5:6:7\nnobody 1 2:3\n{NAMES[1]} 14 9:99\n"
          + "x" * 10000 + "\n")
    assert ids(suite, account) == [before[0], "UID9-99"]


# --- what the RFC asks of every id ---------------------------------------------------------


def test_equal_ids_are_told_apart(suite, account, settings):
    """RFC 1939: no two messages have one id."""
    for name in NAMES:
        put(account, name=name)
    write(account, "courierpop3dsizelist", "/2 8 77\n" + "".join(f"{name} 14 3:77\n" for name in NAMES))
    settings(pop3_uidl_courier="yes")
    assert ids(suite, account) == ["UID3-77", "UID3-77-2", "UID3-77-3"]


def test_ids_are_of_1_to_70_visible_characters(suite, account, settings):
    names = ["1700000001.M1P1V0000000000000801I000000000034567_0.mail-number-one.example.test,S=14", "1700000002.M2P2.ho st",
             "1700000003.M3P3.h\xe4st"]
    for name in names:
        put(account, name=name)
    settings(pop3_uidl_format="%f")
    bounded = ids(suite, account)
    assert len(set(bounded)) == 3
    for text in bounded:
        assert 1 <= len(text) <= 70 and all("!" <= c <= "~" for c in text)
    assert ids(suite, account) == bounded, "an id never changes"
    suite.wait_log("pop3", "uidl-hashed.*pop3_uidl_long")
    settings(pop3_uidl_long="yes")
    assert ids(suite, account) == [names[0], *bounded[1:]]


@pytest.mark.parametrize("form", ["", "%v", "%", "%z", "%u %v", "%08", "%8Xu", "%0999Xu", "%Xf", "%{uid", "%{user}", "%{uid | md5}",
                                  "\u00fc%u", "%u" * 20])
def test_a_format_that_cannot_be_is_refused_at_start(suite, form):
    import subprocess
    suite.set("pop3_uidl_format", form)
    try:
        result = subprocess.run([suite.libexec / "postern-pop3"], capture_output=True, text=True, timeout=20, user="vmail",
                                extra_groups=[], env={"POSTERN_SETTINGS": str(suite.settings)})
    finally:
        suite.set("pop3_uidl_format", None)
    assert result.returncode == 100 and "pop3_uidl_format" in result.stderr, result.stderr
