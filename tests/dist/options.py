#!/usr/bin/python3
"""Each line of tools/dist/options.md is run: memcached's options, and what becomes of them here.

    options.py DOCUMENT DAEMON [MEMCACHED]

With MEMCACHED, or where memcached-1.6.45 is installed, what Lombard accepts is run with that, too:
it starts, and answers.
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))
from checks import Checks
from client import ask, dial
from server import Server, ServerFailed, end_on_sigterm

WORKERS = 4
PATIENCE_S = 60
REFUSED_STATUS = 64
NOT_SERVED = {"-d -P DIR/pid"}  # it leaves its parent: tests/unit/app/test_main.py

# Of memcached 1.6.45, with all that it can be built for but debugging.
LETTERS = "aAZpsUmMckhiVrvdluPfntDLRCbBISFXWYeoN"
NAMES = """unix-mask enable-shutdown enable-ssl port unix-socket udp-port memory-limit
    disable-evictions conn-limit lock-memory help license version enable-coredumps verbose daemon
    listen user pidfile slab-growth-factor slab-min-size threads enable-largepages
    max-reqs-per-event disable-cas listen-backlog protocol max-item-size enable-sasl
    disable-flush-all disable-dumping disable-watch auth-file memory-file extended napi-ids""".split()
SETTINGS = """maxconns_fast hashpower no_hashexpand slab_reassign slab_automove slab_automove_ratio
    slab_automove_window tail_repair_time hash_algorithm lru_crawler lru_crawler_sleep
    lru_crawler_tocrawl lru_maintainer hot_lru_pct warm_lru_pct hot_max_factor warm_max_factor
    temporary_ttl idle_timeout watcher_logbuf_size worker_logbuf_size slab_sizes slab_chunk_max
    track_sizes no_inline_ascii_resp modern no_modern no_chunked_items no_slab_reassign
    no_slab_automove no_maxconns_fast inline_ascii_resp no_lru_crawler no_lru_maintainer
    no_drop_privileges drop_privileges resp_obj_mem_limit read_buf_mem_limit ssl_chain_cert ssl_key
    ssl_verify_mode ssl_keyformat ssl_ciphers ssl_ca_cert ssl_wbuf_size ssl_session_cache
    ssl_kernel_tls ssl_min_version proxy_config proxy_arg proxy_uring proxy_memprofile
    sock_cookie_id ext_page_size ext_wbuf_size ext_threads ext_io_depth ext_path ext_item_size
    ext_item_age ext_low_ttl ext_recache_rate ext_compact_under ext_drop_under ext_max_sleep
    ext_max_frag ext_drop_unread slab_automove_freeratio""".split()

check = Checks()


def read_rows(path):
    """(option, example, what becomes of it, message) of the table."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    table = text.split("| option | example | here | message |\n", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|\n").split("|")]
            for line in table.splitlines()[1:]]


def is_complete(rows):
    options = " ".join(row[0] for row in rows)
    found = set(re.findall(r"`-(\w)`", options))
    check.equal(sorted(found), sorted(LETTERS), "every letter has its line")
    found = set(re.findall(r"`--([\w-]+)`", options))
    check.equal(sorted(found), sorted(NAMES), "every name has its line")
    found = re.findall(r"`-o (\w+)`", options)
    check.equal(sorted(found), sorted(SETTINGS), "every setting of -o has its line")


def words_of(example, folder):
    return [word.replace("DIR", folder) for word in example.strip("`").replace(" *", "").split()]


def run_refused(daemon, words, example, message):
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    done = subprocess.run([daemon] + words + user, stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE_S)
    said = done.stderr.decode()
    check.equal(done.returncode, REFUSED_STATUS, "%s: %s" % (example, said))
    check("%s says: %s" % (example, said), message != "" and message in said)


def run_answer(daemon, words, example):
    done = subprocess.run([daemon] + words, stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE_S)
    check.equal(done.returncode, 0, example)
    check(example + " answers", done.stdout.decode().startswith("lombard "))


def log_is_right(log, example, here, message):
    ignored = re.findall(r"info\s+(.+?) is ignored: (.*)", log)
    if here == "ignored":
        option = " ".join(example.strip("`").split()[:2 if example.startswith("`-o") else 1])
        check.equal(ignored, [(option.split("=")[0], message)], example)
    else:
        check.equal(ignored, [], example)
    if here == "warns":
        check("%s warns: %s" % (example, log), re.search(r"warn .*" + re.escape(message), log))


def run_server(argv, example, right=None):
    try:
        with Server(argv) as server:
            with dial(server.port) as s:
                if "-Y" in argv:
                    answer = ask(s, b"set a 0 0 7\r\nus pass\r\n")
                    check.equal(answer, b"STORED\r\n", example)
                answer = ask(s, b"version\r\n")
                check(example + " answers", answer.startswith(b"VERSION "))
            with open(server.log_path, encoding="utf-8") as log:
                text = log.read()
            if right is not None:
                right(text)
                server.check_end(check)
    except (ServerFailed, OSError, EOFError) as failure:
        check("%s: %s" % (example, failure), False)


def run_row(row, daemon, memcached):
    _, example, here, message = row
    folder = tempfile.mkdtemp(prefix="lombard-options-")
    os.chmod(folder, 0o777)
    with open(os.path.join(folder, "users"), "w", encoding="ascii") as users:
        users.write("us:pass\n")
    os.chmod(os.path.join(folder, "users"), 0o644)
    words = words_of(example, folder)
    if here == "refused":
        run_refused(daemon, words, example, message)
    elif here == "answers":
        run_answer(daemon, words, example)
    elif example.strip("`") not in NOT_SERVED:
        run_server([daemon] + words, example,
                   lambda log: log_is_right(log, example, here, message))
        if memcached is not None and "*" not in example:
            run_server([memcached] + words, "memcached with " + example)
    shutil.rmtree(folder, ignore_errors=True)


def main():
    end_on_sigterm()
    document, daemon = sys.argv[1:3]
    memcached = sys.argv[3] if len(sys.argv) > 3 else shutil.which("memcached-1.6.45")
    rows = read_rows(document)
    is_complete(rows)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(run_row, row, os.path.abspath(daemon), memcached)
                     for row in rows]:
            done.result()
    check.done()


main()
