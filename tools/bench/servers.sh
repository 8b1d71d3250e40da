# shellcheck shell=sh disable=SC2154
# tools/bench/servers.sh - starts and stops servers, for the scripts in this folder.
#
# Wants $me, $build, $server_core and $first_port; gives $bench (lombard-bench), $work
# (a directory that goes when the script ends), and the functions below.

fail() {
    echo "$me: $*" >&2
    exit 2
}

bench=$build/tools/bench/lombard-bench
[ -x "$bench" ] || fail "$bench is not there: build first, or say where with --build"

work=$(mktemp -d)
pids=
stop_servers() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    wait
    pids=
}
# shellcheck disable=SC2317
clean_up() {
    stop_servers
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# Wait until server process $2 answers on port $1.
await() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        sleep 0.2
        kill -0 "$2" 2>/dev/null || break
        "$bench" --quiet -s "127.0.0.1:$1" -c 1 -n 1 --mix noop=1 2>/dev/null && return 0
    done
    cat "$work"/server*.log >&2
    fail "the server for port $1 did not start"
}

# Start NAME=COMMAND $2 on port $1, which stands for {port} in it.
start_server() {
    words=$(printf '%s\n' "${2#*=}" | sed "s/{port}/$1/g")
    # The words are meant to be split.
    # shellcheck disable=SC2086
    taskset -c "$server_core" $words >"$work/server$1.log" 2>&1 &
    pids="$pids $!"
    await "$1" "$!"
}

# Start every NAME=COMMAND; number n (from 0) listens on first_port + n.
start_servers() {
    port=$first_port
    for spec in "$@"; do
        start_server "$port" "$spec"
        port=$((port + 1))
    done
}
