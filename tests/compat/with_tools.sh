#!/bin/bash
# The command-line tools of libmemcached, in both protocols.
set -u
export MEMCACHED_SERVERS=127.0.0.1:$1
passed=0 failed=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

# check NAME WANTED_STATUS COMMAND...; its output is left in the file `out`.
check() {
    local name=$1 want=$2 status
    shift 2
    timeout 20 "$@" >out 2>err
    status=$?
    if [ $status -eq "$want" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name: status $status instead of $want: $(head -c 200 err)"
    fi
}

# holds NAME COMMAND...: the command says whether what came is right.
holds() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name: $(head -c 200 out)"
    fi
}

printf 'a short value' >short
head -c 900000 /dev/urandom >large
: >empty
printf '%0200d' 7 >"$(printf 'k%0249d' 1)"
longest=$(printf 'k%0249d' 1)

for protocol in "" --binary; do
    with="with${protocol:-text}"
    check "$with: memcping" 0 memcping
    check "$with: memcflush" 0 memcflush $protocol
    check "$with: memccp" 0 memccp $protocol short large empty "$longest"
    check "$with: memccat short" 0 memccat $protocol short
    holds "$with: the short value" grep -qx 'a short value' out
    check "$with: memccat large" 0 memccat $protocol --file=got large
    holds "$with: the large value" cmp -s large got
    check "$with: memccat longest key" 0 memccat $protocol "$longest"
    holds "$with: its value" grep -qx "$(cat "$longest")" out
    check "$with: memccat two keys" 0 memccat $protocol short "$longest"
    holds "$with: both values" [ "$(wc -l <out)" -eq 2 ]
    check "$with: memcexist" 0 memcexist $protocol short
    check "$with: memcexist of an absent key" 1 memcexist $protocol absent
    check "$with: memctouch" 0 memctouch $protocol --expire=100 short
    check "$with: memctouch of an absent key" 1 memctouch $protocol absent
    check "$with: memccp --add of a present key" 1 memccp $protocol --add short
    check "$with: memccp --replace" 0 memccp $protocol --replace short
    check "$with: memccp --set --expire" 0 memccp $protocol --set --expire=1 empty
    check "$with: memccp --flag" 0 memccp $protocol --flag=42 short
    check "$with: memccat --flags" 0 memccat $protocol --flags short
    holds "$with: the flags" grep -q 42 out
    check "$with: memcstat" 0 memcstat $protocol
    holds "$with: stats" grep -q curr_items out
    check "$with: memcstat --server-version" 0 memcstat $protocol --server-version \
        "--servers=$MEMCACHED_SERVERS"
    holds "$with: a version" grep -q '1\.6' err
    check "$with: memcstat settings" 0 memcstat $protocol settings
    holds "$with: settings" grep -q maxbytes out
    check "$with: memcrm" 0 memcrm $protocol short
    check "$with: memccat of what was removed" 1 memccat $protocol short
    check "$with: memcrm of an absent key" 1 memcrm $protocol short
    sleep 2.1
    check "$with: memcexist of what expired" 1 memcexist $protocol empty
done

check "memcdump" 0 memcdump
holds "the keys" grep -qx large out
check "memcslap set" 0 memcslap --test=set --concurrency=4 --execute-number=500
check "memcslap get" 0 memcslap --test=get --concurrency=4 --execute-number=500 \
    --initial-load=500
check "memcslap mget" 0 memcslap --test=mget --concurrency=2 --execute-number=100 \
    --initial-load=200
check "memcslap get, binary" 0 memcslap --binary --test=get --concurrency=4 \
    --execute-number=500 --initial-load=500
check "memcslap, non-blocking" 0 memcslap --non-blocking --test=set --concurrency=2 \
    --execute-number=500
check "memcflush" 0 memcflush
check "memcexist after it" 1 memcexist large
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
