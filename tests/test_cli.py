"""The shell commands, as real processes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import resource
import select
import signal
import stat
import struct
import subprocess
import sys
import termios
import time
import urllib.request

import polars as pl
import pytest

from mbtoolkit import Recipe
from mbtoolkit.cli.demo import sample
from mbtoolkit.sandbox import Sandbox
from tests.shell import run

pytestmark = pytest.mark.slow


@pytest.fixture
def env(crm):
    return {"MBTOOLKIT_BASE_URL": crm.base_url, "MBTOOLKIT_TOKEN": crm.token}


@pytest.fixture
def clean(tmp_path):
    path = tmp_path / "clean.csv"
    path.write_text("email,property:City\n" + "".join(f"p{n}@example.com,Oslo\n" for n in range(5)), encoding="utf-8")
    return path


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "broken.csv"
    path.write_text("E-mail;Town\nann@example.com;Oslo\nno address;Bergen\n", encoding="utf-8")
    return path


def test_the_demo_ends_as_its_known_answers_say(tmp_path):
    done = run("demo", "--out", tmp_path / "results.parquet")
    assert done.returncode == 0, done.stderr
    assert "Every row ended as the sample's known answers say." in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80 + len(str(tmp_path))
    results = pl.read_parquet(tmp_path / "results.parquet")
    answers = pl.read_csv(sample("known_answers.csv"), infer_schema=False)
    assert results["mb_status"].cast(pl.String).to_list() == answers["status"].to_list()


def test_push_stores_all_and_ends_with_0(crm, env, clean):
    done = run("push", clean, env=env)
    assert done.returncode == 0, done.stderr
    assert crm.contacts().height == 5
    assert "succeeded" in done.stdout


def test_push_says_what_was_not_stored_and_ends_with_1(crm, env, broken, tmp_path):
    done = run(
        "push", broken, "--map", "E-mail=email", "--map", "Town=property:City", "--out", tmp_path / "r.xlsx", env=env
    )
    assert done.returncode == 1, done.stderr
    assert "email_syntax" in done.stdout
    assert "the separator is ';'" in done.stderr
    assert (tmp_path / "r.xlsx").stat().st_size > 0
    assert crm.contacts()["property:City"].to_list() == ["Oslo"]


def test_tables_fit_80_columns(env, broken):
    done = run("push", broken, "--map", "E-mail=email", env=env)
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_validate_sends_nothing(crm, env, broken, tmp_path):
    done = run("validate", broken, "--map", "E-mail=email", "--out", tmp_path / "issues.csv", env=env)
    assert done.returncode == 1
    assert "email_syntax" in done.stdout
    assert pl.read_csv(tmp_path / "issues.csv")["row"].to_list() == [1]
    assert crm.requests().is_empty()


def test_validate_of_a_clean_file_ends_with_0(clean):
    assert run("validate", clean).returncode == 0


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "shop.toml"
    read = Recipe().clean_text("Town").read_contacts({"E-mail": "email", "Town": "property:City"})
    read.apply_suggestions().merge_duplicates().write(path)
    return path


def test_a_recipe_cleans_the_file_first_and_says_what_it_did(crm, env, recipe, tmp_path):
    messy = tmp_path / "messy.csv"
    messy.write_text("E-mail;Town\nann@@example.com; Oslo \nANN@example.com;\nbo@example.com;Voss\n", encoding="utf-8")
    done = run("push", messy, "--recipe", recipe, env=env)
    assert done.returncode == 0, done.stderr
    assert "3 rows in = 2 rows out + 1 merged into others" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert set(crm.contacts().select("email", "property:City").rows()) == {
        ("ann@example.com", "Oslo"),
        ("bo@example.com", "Voss"),
    }


def test_rows_of_the_file_are_named_in_the_results_of_a_recipe_that_merges(crm, env, recipe, tmp_path):
    messy = tmp_path / "messy.csv"
    messy.write_text("E-mail;Town\nann@example.com;Oslo\nbo@example.com;Voss\nANN@example.com;\n", encoding="utf-8")
    done = run("push", messy, "--recipe", recipe, "--out", tmp_path / "results.csv", env=env)
    assert done.returncode == 0, done.stderr
    assert "source_rows names those of the file" in " ".join(done.stdout.split())
    results = pl.read_csv(tmp_path / "results.csv", schema_overrides={"source_rows": pl.String})
    assert results.select("email", "source_rows").rows() == [("ann@example.com", "0, 2"), ("bo@example.com", "1")]
    assert not crm.requests()["body"].str.contains("source_rows").any()


def test_cells_that_a_recipe_could_not_read_are_listed_though_no_rule_refuses_them(tmp_path):
    path = tmp_path / "born.csv"
    path.write_text("email,Born\nann@example.com,1.13.1960\nbo@example.com,31.12.1960\nbo,1.1.1960\n", encoding="utf-8")
    made = Recipe().normalize_date("Born", order="dmy").normalize_email("email")
    made.read_contacts({"Born": "property:Birthday"}).write(tmp_path / "born.toml")
    done = run("validate", path, "--recipe", tmp_path / "born.toml", "--out", tmp_path / "issues.csv")
    assert done.returncode == 1, done.stderr
    assert "2 cells could not be read and stand as found" in " ".join(done.stdout.split())
    issues = pl.read_csv(tmp_path / "issues.csv")
    assert issues.select("row", "column", "severity").rows() == [
        (0, "property:Birthday", "warning"),
        (2, "email", "error"),
    ]


def test_a_recipe_for_the_table_as_it_comes_is_done_before_the_options_say_what_is_what(tmp_path):
    path = tmp_path / "shop.csv"
    path.write_text("Email Address,x\nMailto:ann@example.com,1\n", encoding="utf-8")
    Recipe().normalize_email("Email Address").write(tmp_path / "shop.toml")
    done = run("validate", path, "--recipe", tmp_path / "shop.toml", "--map", "Email Address=email")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 cell in 1 row" in done.stdout
    Recipe().clean_text("Town").write(tmp_path / "shop.toml")
    done = run("validate", path, "--recipe", tmp_path / "shop.toml", "--map", "Email Address=email")
    assert done.returncode == 2
    assert "needs the column 'Town'" in " ".join(done.stderr.split())


def test_a_recipe_without_a_mapping_goes_with_the_options(clean, tmp_path):
    Recipe().clean_text("property:City").write(tmp_path / "tidy.json")
    done = run("validate", clean, "--recipe", tmp_path / "tidy.json", "--map", "email=email")
    assert done.returncode == 0, done.stderr
    assert "0 cells in 0 rows" in done.stdout


def test_a_recipe_that_does_not_fit_sends_nothing(crm, env, clean, recipe):
    done = run("push", clean, "--recipe", recipe, env=env)
    assert done.returncode == 2
    assert "needs the column 'Town'" in done.stderr
    done = run("push", clean, "--recipe", recipe, "--map", "email=email", env=env)
    assert done.returncode == 2
    assert "leave out --mapping" in done.stderr
    assert crm.requests().is_empty()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("push", "missing.csv"), "no file 'missing.csv'"),
        (("push", "FILE", "--map", "E-mail"), "COLUMN=FIELD"),
        (("push", "FILE", "--map", "Nothing=email"), "no column 'Nothing'"),
        (("push", "FILE"), '--map "E-mail=email"'),
        (("push", "FILE", "--map", "E-mail=email", "--out", "r.txt"), "'r.txt'"),
        (("push", "FILE", "--map", "E-mail=email", "--out", "missing/r.xlsx"), "no folder"),
        (("push", "FILE", "--map", "E-mail=email", "--base-url", "http://crm.example.com"), "https"),
        (("push", "FILE", "--map", "E-mail=email", "--max-concurrency", "0"), "--max-concurrency 0"),
        (("push", "FILE", "--map", "E-mail=email", "--clear", "note"), "can't be cleared"),
        (("push", "FILE", "--map", "E-mail=email", "--default-country", "Narnia"), "two-letter"),
        (("validate", "FILE", "--encoding", "klingon"), "no encoding"),
        (("push", "FILE", "--map", "E-mail=email", "--out", "FOLDER"), "is a folder"),
        (("push", "FILE", "--map", "E-mail=email", "--out", ""), "ends in none of"),
        (("push", "FILE", "--map", "E-mail=email", "--opt-ins-on", "7"), "--opt-ins-on 0"),
        (("push", "FOLDER"), "is a folder"),
        (("push", "EMPTY"), "is empty"),
        (("validate", "FILE", "--map", "E-mail=email", "--out", "FOLDER"), "is a folder"),
        (("validate", "FILE", "--map", "E-mail=email", "--out", "r.txt"), "'r.txt'"),
        (("demo", "--out", "FOLDER"), "is a folder"),
        (("sandbox", "--port", "99999"), "port 99999"),
        (("sandbox", "--port", "-1"), "port -1"),
        (("sandbox", "--db", "missing/folder/crm.sqlite"), ""),
        (("nonsense",), "invalid choice"),
        ((), "required"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_wrong_call_ends_with_2_and_sends_nothing(crm, env, broken, tmp_path, words, told):
    paths = {"FILE": broken, "FOLDER": tmp_path / "folder.csv", "EMPTY": tmp_path / "empty.csv"}
    paths["FOLDER"].mkdir()
    paths["EMPTY"].touch()
    done = run(*[paths.get(word, word) for word in words], env=env)
    assert done.returncode == 2, done.stdout + done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert crm.requests().is_empty()


def test_no_token_is_a_wrong_call(clean):
    done = run("push", clean, env={"MBTOOLKIT_TOKEN": ""})
    assert done.returncode == 2
    assert "MBTOOLKIT_TOKEN" in done.stderr


def test_opt_ins_in_bulk_take_a_stated_count(crm, env, tmp_path):
    path = tmp_path / "many.csv"
    path.write_text("email,email_opt_in\n" + "".join(f"p{n}@example.com,yes\n" for n in range(101)), encoding="utf-8")
    refused = run("push", path, env=env)
    assert refused.returncode == 2
    assert "--opt-ins-on 101" in refused.stderr
    assert crm.requests().is_empty()
    assert run("push", path, "--opt-ins-on", "101", env=env).returncode == 0


@pytest.mark.parametrize("command", ["demo", "validate", "push", "sandbox"])
def test_help_shows_an_example(command):
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"mbtoolkit {command}" in done.stdout.split("example")[-1]


def test_the_version_is_told():
    assert re.fullmatch(r"mbtoolkit \d+\.\d+\.\d+\n", run("--version").stdout)


def test_help_fits_80_columns():
    for words in ((), ("demo",), ("validate",), ("push",), ("sandbox",)):
        done = run(*words, "--help", env={"COLUMNS": "80"})
        assert max(map(len, done.stdout.splitlines())) <= 80, words
        assert words == ("sandbox",) or "exit codes" in done.stdout


def test_a_token_that_the_crm_refuses_ends_with_1(env, clean):
    done = run("push", clean, env=env | {"MBTOOLKIT_TOKEN": "wrong"})
    assert done.returncode == 1
    assert "unauthorized" in done.stdout
    assert "not_sent" in done.stdout


def test_no_connection_ends_with_1(clean):
    done = run("push", clean, env={"MBTOOLKIT_BASE_URL": "http://127.0.0.1:9", "MBTOOLKIT_TOKEN": "t"}, timeout=180)
    assert done.returncode == 1, done.stderr
    assert "no_connection" in done.stdout
    assert "Traceback" not in done.stderr


def test_properties_that_the_crm_did_not_take_are_told_of_stored_rows(env, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("email,property:Shoe size of nobody\nann@example.com,44\n", encoding="utf-8")
    done = run("push", path, env=env)
    assert done.returncode == 0, done.stderr
    assert "succeeded, invalid_properties: " in done.stdout


def test_headers_alone_are_nothing_to_send(crm, env, tmp_path):
    (tmp_path / "head.csv").write_text("email\n", encoding="utf-8")
    done = run("push", tmp_path / "head.csv", "--out", tmp_path / "r.xlsx", env=env)
    assert done.returncode == 0, done.stderr
    assert "no contact to send" in done.stdout
    assert (tmp_path / "r.xlsx").exists()
    assert crm.requests().is_empty()


@pytest.mark.parametrize(
    "terminal",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1252"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["ascii", "cp1252", "C"],
)
def test_a_terminal_without_the_characters_costs_nothing(crm, env, clean, tmp_path, terminal):
    out = tmp_path / "Åse ł.csv"
    done = subprocess.run(
        [sys.executable, "-m", "mbtoolkit", "push", clean, "--out", out],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, **env, **terminal},
    )
    assert done.returncode == 0, done.stderr
    assert out.exists()
    assert "succeeded" in done.stdout
    assert "| mb_row |" in done.stdout
    assert crm.contacts().height == 5


@pytest.mark.parametrize("ending", [">&-", "2>&-", "> /dev/full", "2> /dev/full", "| head -c 5", "< /dev/null"])
def test_whatever_becomes_of_the_output_the_code_says_what_became_of_the_rows(crm, env, clean, tmp_path, ending):
    command = f"{sys.executable} -m mbtoolkit push {clean} --out {tmp_path / 'r.csv'} {ending}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], check=False, capture_output=True, text=True, timeout=120, env={**os.environ, **env}
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert ("No space left" in done.stderr) == (ending == "> /dev/full")
    assert pl.read_csv(tmp_path / "r.csv")["mb_status"].to_list() == ["succeeded"] * 5


def test_a_cell_longer_than_a_sheet_takes_is_no_failure(env, tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("email,note\nann@example.com," + "x" * 40_000 + "\n", encoding="utf-8")
    done = run("push", path, "--out", tmp_path / "r.xlsx", env=env)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "r.xlsx").exists()


def small_files(size):
    """Lets a process write files of so many bytes at the most, as if the disk were full then."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def push_on_small_disk(size, env, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("email,note\n" + f"p@example.com,{'x' * 20_000}\n" * 3, encoding="utf-8")
    (tmp_path / "working").mkdir()
    return subprocess.run(
        [sys.executable, "-m", "mbtoolkit", "push", path, "--out", tmp_path / "r.csv"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path / "working",
        env={**os.environ, **env, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=small_files(size),
    )


def test_a_full_disk_after_the_sending_loses_nothing(env, tmp_path):
    done = push_on_small_disk(30_000, env, tmp_path)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "'r.csv' can't be written: File too large" in done.stderr
    assert "succeeded" in done.stdout
    assert not (tmp_path / "r.csv").exists()
    kept = list((tmp_path / "working").iterdir())
    assert str(kept[0]) in done.stderr
    assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600
    assert pl.read_parquet(kept[0])["mb_status"].to_list() == ["succeeded"] * 3


def test_a_disk_that_is_full_before_the_sending_lets_nothing_be_sent(crm, env, tmp_path):
    done = push_on_small_disk(10, env, tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert crm.requests().is_empty()


def test_issues_for_people_hold_no_formula(tmp_path):
    path = tmp_path / "eq.csv"
    path.write_text("email\n=cmd|' /C calc'!A0\n", encoding="utf-8")
    for ending in (".csv", ".xlsx", ".parquet"):
        done = run("validate", path, "--out", tmp_path / f"issues{ending}")
        assert done.returncode == 1, done.stderr
    assert ",'=cmd|" in (tmp_path / "issues.csv").read_text(encoding="utf-8")
    assert pl.read_parquet(tmp_path / "issues.parquet")["value"].to_list() == ["=cmd|' /C calc'!A0"]


def test_what_validate_says_fits_80_columns_and_names_options_of_the_shell(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("email,mobile_number,email_opt_in\nno,07700900124,maybe\n", encoding="utf-8")
    done = run("validate", path)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "--default-country" in done.stdout


def test_a_reader_that_goes_away_is_no_traceback(clean):
    command = f"{sys.executable} -m mbtoolkit validate {clean} | head -c 5"
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_the_sandbox_runs_until_it_is_told_to_stop(tmp_path):
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mbtoolkit",
            "sandbox",
            "--port",
            "0",
            "--token",
            "secret-word",
            "--db",
            str(tmp_path / "crm.sqlite"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        greeting = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+", greeting)
        assert address, greeting
        with urllib.request.urlopen(f"{address[0]}/openapi.json") as answer:
            assert answer.status == 200
        path = tmp_path / "clean.csv"
        path.write_text("email\nann@example.com\n", encoding="utf-8")
        env = {"MBTOOLKIT_BASE_URL": address[0], "MBTOOLKIT_TOKEN": "secret-word"}
        assert run("push", path, env=env).returncode == 0
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0


def in_terminal(*words, env, seconds=60.0, interrupt_at=None):
    """Runs a command in a pseudo-terminal; what a person would see, and the exit code."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(env)
        os.execv(sys.executable, [sys.executable, "-m", "mbtoolkit", *map(str, words)])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    seen = b""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
        if interrupt_at is not None and interrupt_at in seen:
            os.write(terminal, b"\x03")
            interrupt_at = None
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return seen.decode(), os.waitstatus_to_exitcode(status)


@pytest.fixture
def slow(crm, tmp_path):
    """A file that takes some seconds."""
    crm.fail("delay", seconds=0.2, times=None)
    path = tmp_path / "slow.csv"
    path.write_text("email\n" + "".join(f"p{n}@example.com\n" for n in range(150)), encoding="utf-8")
    return path


def test_a_terminal_shows_progress(env, slow):
    seen, code = in_terminal("push", slow, env=env)
    assert code == 0, seen
    assert re.search(r"\d+/150, ", seen)
    assert "150/150" in seen


def test_a_plan_is_kept_and_its_share_shown(tmp_path):
    path = tmp_path / "many.csv"
    path.write_text("email\n" + "".join(f"p{n}@example.com\n" for n in range(110)), encoding="utf-8")
    with Sandbox(limits="freemium") as crm:
        env = {"MBTOOLKIT_BASE_URL": crm.base_url, "MBTOOLKIT_TOKEN": crm.token, "MBTOOLKIT_STATE_DIR": str(tmp_path)}
        seen, code = in_terminal("push", path, "--limits", "freemium", "--time-zone", "Europe/Oslo", env=env)
        assert code == 0, seen
        assert "100% of the limit" in seen
        assert crm.requests()["status"].to_list() == [202] * 110


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--limits", "freemium", "--time-zone", "Oslo"), "--time-zone 'Oslo': give the name of a time zone"),
        (("--time-zone", "Europe/Oslo"), "give --limits too"),
        (("--limits", "gold"), "invalid choice: 'gold'"),
    ],
    ids=["zone", "no limits", "limits"],
)
def test_a_plan_that_can_not_be_kept_is_refused(crm, env, clean, words, said):
    done = run("push", clean, *words, env=env)
    assert done.returncode == 2
    assert said in done.stderr
    assert crm.requests().is_empty()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_scheduler_that_ends_a_push_still_gets_the_results(crm, env, slow, tmp_path, number):
    process = subprocess.Popen(
        [sys.executable, "-m", "mbtoolkit", "push", str(slow), "--out", str(tmp_path / "r.parquet")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **env},
    )
    while crm.requests().is_empty() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert "not_sent" in out
    assert set(pl.read_parquet(tmp_path / "r.parquet")["mb_status"]) == {"succeeded", "not_sent"}


def test_ctrl_c_before_the_sending_ends_with_2(crm, env, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("email;note\n" + "".join(f"p{n}@example.com;{n}\n" for n in range(300_000)), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "mbtoolkit", "push", str(path)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **env},
    )
    assert process.stderr is not None
    assert "the separator is ';'" in process.stderr.readline()  # It is read, and about to be validated.
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (2, "mbtoolkit: interrupted; nothing was sent\n")
    assert crm.requests().is_empty()


def test_ctrl_c_in_a_terminal_still_shows_the_results(env, slow):
    seen, code = in_terminal("push", slow, env=env, interrupt_at=b"/150, ")
    assert code == 1, seen
    assert "interrupted" in seen
    assert "not_sent" in seen
    assert "Traceback" not in seen
